"""Promises memory in the config of its variant, and hands it over to nothing."""

from addonkit import ConnectionInfo, Variable, VariantDefinition
from mutants.depot import defined, made

CAUGHT_BY = "the_config_counts"
SAYS = "variant small: its config has memory, and its program does not look at that"

CONFIG = {"storage": "1Gi", "sessions": "4", "memory": "64Mi"}


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    return (Variable("DEPOT_URL", access.url("http", user="admin")),)


ADDON = made(
    definition=defined(variants=(VariantDefinition("small", config=CONFIG),), variables=("DEPOT_URL",)),
    variables=variables,
    tenants=None,
)
