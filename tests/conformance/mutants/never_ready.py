"""Waits for an answer that its server does not give."""

import attrs

from addonkit import Probe
from mutants.depot import made, program

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = "fix the server as the end of its log says, or `probe` of its Program when it answers otherwise"

PROBE = Probe("depot", "GET /users/ HTTP/1.0\r\n\r\n", ("HTTP/1.1 200",))

ADDON = made(start_timeout=1.0, program=lambda server: attrs.evolve(program(server), probe=PROBE))
