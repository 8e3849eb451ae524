"""Asks for a word of its config that a variant does not have."""

from mutants.depot import made, program

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = 'fails_in_program.py:10 in memory_of: return server.config["mem"]'


def memory_of(server):
    return server.config["mem"]


ADDON = made(program=lambda server: program(server, memory_of(server)))
