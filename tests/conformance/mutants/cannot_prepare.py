"""Prepares a disk with a command that fails and says why, long before its end."""

import attrs

from mutants.depot import made, program

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = "the cellar is wet"

PREPARE = "print('the cellar is wet'); [print(each) for each in range(15)]; raise SystemExit(3)"

ADDON = made(program=lambda server: attrs.evolve(program(server), prepare=(("python3", "-c", PREPARE),)))
