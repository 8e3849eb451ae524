"""Runs the same version, whichever is asked for."""

import attrs

from mutants.depot import made, program

CAUGHT_BY = "the_version_counts"
SAYS = "version 7654 is asked for, and its program has 3"

ADDON = made(program=lambda server: attrs.evolve(program(server), version="3"))
