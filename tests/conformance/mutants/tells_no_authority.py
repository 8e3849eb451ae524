"""Listens for other machines, and does not tell apps how they verify that."""

from addonkit import LISTEN_OPTION
from mutants import depot
from mutants.secure_depot import SOURCE, made

CLIENT = "mutants.tells_no_authority:Client"
CAUGHT_BY = "apps_verify_a_server_that_listens[small]"
SAYS = "no variable has the file with which apps verify the server"


class Client(depot.Client):
    """An app that asks for no TLS, as its variables do not."""

    def _place(self, environ, key):
        place, user, password = super()._place(environ, key)
        return place.replace("127.0.0.2", "127.0.0.1"), user, password


ADDON = made(
    definition=depot.defined(program=SOURCE, options=(*depot.DEFINITION.options, LISTEN_OPTION)),
    variables=depot.variables,
)
