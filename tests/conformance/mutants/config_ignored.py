"""Gives every server the same limit, whatever its variant says."""

import attrs

from mutants.depot import made, program

CAUGHT_BY = "the_server_is_what_the_variant_says[small]"
SAYS = "the server has sessions 9, and 4 is promised"

ADDON = made(program=lambda server: program(attrs.evolve(server, config={**server.config, "sessions": "9"})))
