"""A good addon whose one key names the account."""

from addonkit import ConnectionInfo, Secret, Variable
from mutants import depot
from mutants.depot import defined, made

CLIENT = "mutants.one_key_only:Client"


class Client(depot.Client):
    def _place(self, environ, key):
        user, _, password = environ["DEPOT_KEY"].partition(".")
        return f"{environ['DEPOT_ENDPOINT']}/{user}/{key}", user, password


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    return (
        Variable("DEPOT_ENDPOINT", f"http://{access.host}:{access.port}"),
        Variable("DEPOT_KEY", Secret(f"{access.claim}.{access.password.reveal()}")),
    )


ADDON = made(definition=defined(variables=("DEPOT_ENDPOINT", "DEPOT_KEY")), variables=variables)
