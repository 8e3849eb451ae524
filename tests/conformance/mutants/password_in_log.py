"""Lets the server write its password into its log."""

from mutants.depot import made, program

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "log shows a secret"

ADDON = made(program=lambda server: program(server, "--say"))
