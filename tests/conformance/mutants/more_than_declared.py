"""Gives variables that its definition does not name."""

from mutants.depot import VARIABLES, defined, made

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = "where its definition says"

ADDON = made(definition=defined(variables=VARIABLES[:-1]))
