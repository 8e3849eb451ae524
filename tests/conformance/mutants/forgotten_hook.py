"""Has a hook that is not marked as one, so that the core never asks it."""

from mutants import distant

CAUGHT_BY = "the_definition_is_valid"
SAYS = "the core never calls its addon_usage"
CLIENT = "mutants.distant:Client"


def addon_usage():
    """Forgotten."""


ADDON = distant.made()
ADDON.addon_usage = addon_usage
