"""Declares a check not applicable that does not exist."""

from mutants import depot
from mutants.depot import made

CAUGHT_BY = "what_is_not_applicable_is_a_check"
SAYS = "declares sessions_end not applicable"
CLIENT = "mutants.misspelt_check:Client"


class Client(depot.Client):
    not_applicable = {"sessions_end": "there are none"}  # noqa: RUF012 - as authors write it


ADDON = made()
