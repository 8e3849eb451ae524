"""Lets every user read everything on the server."""

from mutants.depot import made, program

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"
SAYS = "an app reads another's data with the other's DEPOT_NAME"

ADDON = made(program=lambda server: program(server, "--open"))
