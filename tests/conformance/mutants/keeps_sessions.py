"""Asks for the password once for each connection."""

from mutants.depot import made, program

CAUGHT_BY = "sessions_end_with_the_login[shared]"
SAYS = "a session that was open before goes on after its instance was destroyed"

ADDON = made(program=lambda server: program(server, "--keep-sessions"))
