"""Loses its data when the server is started again."""

from mutants.depot import made, program

CAUGHT_BY = "a_server_that_was_killed_comes_back[small]"
SAYS = "after kill number 1"

ADDON = made(program=lambda server: program(server, "--forget"))
