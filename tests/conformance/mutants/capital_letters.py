"""Runs a server that takes capital letters of a password for small ones."""

from mutants.depot import made, program

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"
SAYS = "a password whose capital letters are small"

ADDON = made(program=lambda server: program(server, "--any-case"))
