"""Lets its server leave the password where everybody looks."""

from mutants.depot import made, program

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "file /tmp/depot-litter-"

ADDON = made(program=lambda server: program(server, "--litter"))
