"""Gives one URL, and runs a server that lets every login into every place."""

from mutants.depot import defined, made, program
from mutants.one_url_only import variables

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"
SAYS = "the other's DEPOT_URL and its own login"
CLIENT = "mutants.one_url_only:Client"

ADDON = made(
    definition=defined(variables=("DEPOT_URL",)), variables=variables, program=lambda server: program(server, "--open")
)
