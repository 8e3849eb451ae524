"""Runs a server that looks at the first eight characters of a password."""

from mutants.depot import made, program

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"
SAYS = "a password of which the first eight characters are right"

ADDON = made(program=lambda server: program(server, "--eight"))
