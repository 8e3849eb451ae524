"""Promises four sessions, and lets any number in."""

from mutants.depot import made, program

CAUGHT_BY = "promised_connections_are_there_and_no_more[shared]"
SAYS = "an app can open 14 connections and more, and 4 are promised"

ADDON = made(program=lambda server: program(server, "--any-number"))
