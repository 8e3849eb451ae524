"""Runs a server that does not look at passwords."""

from mutants.depot import made, program

CAUGHT_BY = "credentials_open_nothing_of_another_app[small]"
SAYS = "an app reads another's data with the other's DEPOT_HOST"

ADDON = made(program=lambda server: program(server, "--any-password"))
