"""Lets its server leave the password in a file that everybody reads."""

from mutants.depot import made, program

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "data/notes shows a secret"

ADDON = made(program=lambda server: program(server, "--readable"))
