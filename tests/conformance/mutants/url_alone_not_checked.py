"""Gives one URL, and runs a server that does not look at the password in it."""

from mutants.depot import defined, made, program
from mutants.one_url_only import variables

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"
SAYS = "with the other's variables and its own password"
CLIENT = "mutants.one_url_only:Client"

ADDON = made(
    definition=defined(variables=("DEPOT_URL",)),
    variables=variables,
    program=lambda server: program(server, "--any-password"),
)
