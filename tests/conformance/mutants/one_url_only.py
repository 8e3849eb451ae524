"""A good addon that gives one URL and nothing else."""

from addonkit import ConnectionInfo, Variable
from mutants import depot
from mutants.depot import defined, made

CLIENT = "mutants.one_url_only:Client"


class Client(depot.Client):
    def _place(self, environ, key):
        from urllib.parse import unquote, urlsplit

        url = urlsplit(environ["DEPOT_URL"])
        place = f"http://{url.hostname}:{url.port}{url.path}/{key}"
        return place, unquote(url.username or ""), unquote(url.password or "")


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    return (Variable("DEPOT_URL", access.url("http", user=access.claim, path=access.claim)),)


ADDON = made(definition=defined(variables=("DEPOT_URL",)), variables=variables)
