"""Answers a hook only where it is tested."""

import sys

from mutants.depot import made

CAUGHT_BY = "it_answers_the_same_everywhere"
SAYS = "in a process of its own it has other hooks"

ADDON = made()
if "pytest" not in sys.modules:
    object.__setattr__(ADDON, "addon_inspect", None)
    object.__setattr__(ADDON, "addon_drop_claim", None)
