"""Gives variables that its definition does not name."""

from mutants.depot import VARIABLES, defined, made

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"

ADDON = made(definition=defined(variables=VARIABLES[:-1]))
