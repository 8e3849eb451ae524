"""Starts every server with the same limit, whatever its user has set."""

import attrs

from mutants.depot import made, program

CAUGHT_BY = "an_option_that_is_set_is_what_the_server_says[small]"
SAYS = "sessions was set, and the server has sessions 4 instead of 5"

ADDON = made(program=lambda server: program(attrs.evolve(server, config={**server.config, "sessions": "4"})))
