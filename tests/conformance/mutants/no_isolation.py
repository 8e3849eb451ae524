"""Lets every user read everything on the server."""

from mutants.depot import made, program

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"

ADDON = made(program=lambda server: program(server, "--open"))
