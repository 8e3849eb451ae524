"""Gives a password that the server does not know; and its client tells which."""

import attrs

from addonkit import Secret
from mutants import depot
from mutants.depot import made, variables

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = "*** is refused"
CLIENT = "mutants.wrong_login:Client"
PASSWORD = Secret("a-password-that-nobody-knows-but-this-module")


class Client(depot.Client):
    def write(self, environ, key, value):
        raise PermissionError(f"{environ['DEPOT_PASSWORD']} is refused")


ADDON = made(variables=lambda access: variables(attrs.evolve(access, password=PASSWORD)))
