"""Goes on when it is asked to stop, and is killed in the end."""

import attrs

from mutants.depot import made, program

CAUGHT_BY = "a_graceful_stop_loses_nothing[small]"
SAYS = "its server goes on after SIGTERM: it was ended by force"

ADDON = made(program=lambda server: attrs.evolve(program(server, "--goes-on"), stop_timeout=1.0))
