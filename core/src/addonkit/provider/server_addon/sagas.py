"""The sagas of a server addon, put together from their steps."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from addonkit.models.result import Inventory, ProvisionResult
from addonkit.models.secret import Secret
from addonkit.models.variable import Variable
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import reach
from addonkit.provider.server_addon.declaration import ConnectionInfo, Tenants
from addonkit.provider.server_addon.membership import ensuring, joining, leaving
from addonkit.provider.server_addon.tenancy import creating, dropping, generate_password, listing, removing
from addonkit.provider.server_sagas import ServerAddress, ServerSagas
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, step

VariablesOf = Callable[[ConnectionInfo], tuple[Variable, ...]]


def provision(
    name: str, servers: ServerSagas, tenants: Tenants | None, variables: VariablesOf, ports: Collection[str] = ()
) -> Saga[ProvisionResult]:
    """How an instance is made: one saga for all variants, a dedicated server being one with one tenant.

    `ports` are the names of those that variables tell of besides the server's first.
    """
    before = (joining(servers, tenants), ensuring(servers))
    inside: tuple[Step, ...]
    if tenants:
        inside = (generate_password, creating(tenants), _telling_tenant(variables, ports))
    else:
        inside = (_telling(variables, ports),)
    return Saga(f"{name}.provision", steps=(*before, *inside))


def deprovision(name: str, servers: ServerSagas, tenants: Tenants | None) -> Saga[None]:
    """How one is removed, from whatever state it is in."""
    inside = (removing(tenants),) if tenants else ()
    return Saga(f"{name}.deprovision", inputs=("server_id", "claim"), steps=(*inside, leaving(servers)))


def inspect(name: str, tenants: Tenants) -> Saga[Inventory]:
    """What lives on a server."""
    return Saga(f"{name}.inspect", inputs=("server_id",), steps=(listing(tenants),))


def drop_claim(name: str, tenants: Tenants) -> Saga[None]:
    """The removal of what no instance owns."""
    return Saga(f"{name}.drop-claim", inputs=("server_id", "claim"), steps=(dropping(tenants),))


def _telling_tenant(variables: VariablesOf, ports: Collection[str]) -> Step:
    @step(gives="result", undo=None)
    async def build_result(
        framework: ProviderFramework, server_id: str, address: ServerAddress, claim: str, password: Secret
    ) -> ProvisionResult:
        """Put the variables together."""
        server = (await reach(framework, server_id)).server
        numbers = await _numbers(framework, server_id, ports)
        return _result(
            variables, server_id, ConnectionInfo(address.host, address.port, claim, password, server.shared, numbers)
        )

    return build_result


def _telling(variables: VariablesOf, ports: Collection[str]) -> Step:
    @step(gives="result", undo=None)
    async def build_result(framework: ProviderFramework, server_id: str, address: ServerAddress) -> ProvisionResult:
        """Put the variables together."""
        access = await reach(framework, server_id)
        numbers = await _numbers(framework, server_id, ports)
        whole = ConnectionInfo(address.host, address.port, "", access.password, access.server.shared, numbers)
        return _result(variables, server_id, whole)

    return build_result


async def _numbers(framework: ProviderFramework, server_id: str, names: Collection[str]) -> dict[str, int]:
    """Where further ports of a server answer, by name."""
    if not names:
        return {}
    pool = await framework.wait_for_pool(server_id)
    return {name: pool.ports[name] for name in names}


def _result(variables: VariablesOf, server_id: str, access: ConnectionInfo) -> ProvisionResult:
    attributes: dict[str, Any] = {"server_id": server_id, "claim": access.claim}
    return ProvisionResult(variables(access), attributes)
