"""The hooks. Imports no driver: what needs one is imported when a step runs."""

from __future__ import annotations

from addonkit import AddonDefinition, Instance, Inventory, ProvisionResult, Saga, Server, hookimpl
from addonkit_postgresql.definition import DEFINITION
from addonkit_postgresql.sagas import DEPROVISION, DROP_CLAIM, INSPECT, PROVISION


@hookimpl
def addon_definition() -> AddonDefinition:
    """See hookspecs."""
    return DEFINITION


@hookimpl
def addon_provision() -> Saga[ProvisionResult]:
    """See hookspecs."""
    return PROVISION


@hookimpl
def addon_deprovision(instance: Instance) -> Saga[None]:
    """See hookspecs."""
    # Who has left the server already still removes it, when that was interrupted.
    left = instance.attributes
    server_id, claim = instance.server or left.get("server_id", ""), instance.claim or left.get("database", "")
    return DEPROVISION.bind(server_id=server_id, claim=claim)


@hookimpl
def addon_inspect(server: Server) -> Saga[Inventory]:
    """See hookspecs."""
    return INSPECT.bind(server_id=server.id)


@hookimpl
def addon_drop_claim(server: Server, claim: str) -> Saga[None]:
    """See hookspecs."""
    return DROP_CLAIM.bind(server_id=server.id, claim=claim)
