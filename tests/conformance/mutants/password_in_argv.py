"""Hands the password over where everybody reads it."""

from addonkit import admin_password
from mutants.depot import made, program

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "a command line shows a secret"

ADDON = made(program=lambda server: program(server, admin_password(server).reveal()))
