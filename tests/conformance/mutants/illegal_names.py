"""Gives a variable a name that no shell can export."""

from mutants.depot import VARIABLES, defined, made

CAUGHT_BY = "names_of_variables_are_legal"
SAYS = "'depot-url' of variant small is not a legal name"

ADDON = made(definition=defined(variables=("depot-url", *VARIABLES[1:])))
