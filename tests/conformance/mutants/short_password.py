"""Gives passwords that can be guessed."""

import attrs

from addonkit import Secret
from mutants.depot import made, variables

CAUGHT_BY = "secrets_are_marked[small]"
SAYS = "has only 4 characters"

ADDON = made(variables=lambda access: variables(attrs.evolve(access, password=Secret("1234"))))
