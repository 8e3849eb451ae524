"""Gives apps the file of the authority, and lets them talk to whatever answers."""

import ssl
from collections.abc import Mapping

from mutants import secure_depot
from mutants.secure_depot import made

CLIENT = "mutants.trusts_any_server:Client"
CAUGHT_BY = "apps_verify_a_server_that_listens[small]"
SAYS = "an app trusts a server whose certificate another authority has signed"


class Client(secure_depot.Client):
    """An app as its variables tell it to be."""

    def _context(self, environ: Mapping[str, str]) -> ssl.SSLContext:
        return ssl._create_unverified_context()


ADDON = made()
