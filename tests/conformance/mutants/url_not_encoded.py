"""Puts the password into a URL as it is."""

from addonkit import ConnectionInfo, Secret, Variable
from mutants.depot import made, variables

CAUGHT_BY = "passwords_of_any_kind_work_in_urls[small]"
SAYS = "DEPOT_URL is not a URL"


def raw(access: ConnectionInfo) -> tuple[Variable, ...]:
    url = f"http://{access.claim}:{access.password.reveal()}@{access.host}:{access.port}/{access.claim}"
    return (Variable("DEPOT_URL", Secret(url)), *variables(access)[1:])


ADDON = made(variables=raw)
