"""Puts the password into the command line of its shell."""

import attrs

from addonkit import ShellDefinition
from mutants.depot import DEFINITION, made

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = "its shell cannot be opened: cannot put DEPOT_PASSWORD into an argument"

ADDON = made(definition=attrs.evolve(DEFINITION, shell=ShellDefinition((("depot-cli", "{DEPOT_PASSWORD}"),))))
