"""Runs a server that lets an administrator in without a password."""

from mutants.depot import made, program

CAUGHT_BY = "credentials_open_nothing_of_another_app[small]"
SAYS = "with the login 'root' and no password"

ADDON = made(program=lambda server: program(server, "--root"))
