"""Gives one key that names the account, and runs a server that takes the secret of any account."""

from mutants.depot import defined, made, program
from mutants.one_key_only import variables

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"
SAYS = "the account in the other's key and its own secret"
CLIENT = "mutants.one_key_only:Client"

ADDON = made(
    definition=defined(variables=("DEPOT_ENDPOINT", "DEPOT_KEY")),
    variables=variables,
    program=lambda server: program(server, "--any-secret"),
)
