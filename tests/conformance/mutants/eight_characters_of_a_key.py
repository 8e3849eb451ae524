"""Gives one key that names the account, and runs a server that looks at eight characters of the secret in it."""

from mutants.depot import defined, made, program
from mutants.one_key_only import variables

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"
SAYS = "a secret of which the first eight characters are right"
CLIENT = "mutants.one_key_only:Client"

ADDON = made(
    definition=defined(variables=("DEPOT_ENDPOINT", "DEPOT_KEY")),
    variables=variables,
    program=lambda server: program(server, "--eight"),
)
