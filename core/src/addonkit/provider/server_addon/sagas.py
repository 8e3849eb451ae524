"""The sagas of a server addon, put together from their steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import attrs

from addonkit.models.result import Inventory, ProvisionResult
from addonkit.models.secret import Secret
from addonkit.models.variable import Variable
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.declaration import PASSWORD, ConnectionInfo, Tenants
from addonkit.provider.server_addon.logins import connection_info, usable_socket
from addonkit.provider.server_addon.membership import ensure_server_step, join_step, leave_step
from addonkit.provider.server_addon.tenancy import (
    create_tenant_step,
    drop_claim_step,
    generate_password,
    list_claims_step,
    remove_tenant_step,
)
from addonkit.provider.server_sagas import ServerAddress, ServerSagas
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, step

VariablesOf = Callable[[ConnectionInfo], tuple[Variable, ...]]


def provision(
    name: str,
    servers: ServerSagas,
    tenants: Tenants | None,
    variables: VariablesOf,
    ports: Collection[str] = (),
    *,
    sockets: bool = False,
) -> Saga[ProvisionResult]:
    """How an instance is made: one saga for all variants, a dedicated server being one with one tenant.

    `ports` are the names of those that variables tell of besides the server's first; with `sockets` they tell of its
    Unix socket as well.
    """
    placed = (join_step(servers, tenants), ensure_server_step(servers, tenants))
    inside: tuple[Step, ...]
    if tenants:
        inside = (
            generate_password,
            create_tenant_step(tenants),
            _tenant_result_step(variables, ports, sockets=sockets),
        )
    else:
        inside = (_result_step(variables, ports, sockets=sockets),)
    return Saga(f"{name}.provision", steps=(*placed, *inside))


def deprovision(name: str, servers: ServerSagas, tenants: Tenants | None) -> Saga[None]:
    """How one is removed, from whatever state it is in."""
    inside = (remove_tenant_step(tenants),) if tenants else ()
    return Saga(f"{name}.deprovision", inputs=("server_id", "claim"), steps=(*inside, leave_step(servers)))


def inspect(name: str, tenants: Tenants) -> Saga[Inventory]:
    """What lives on a server."""
    return Saga(f"{name}.inspect", inputs=("server_id",), steps=(list_claims_step(tenants),))


def drop_claim(name: str, tenants: Tenants) -> Saga[None]:
    """The removal of what no instance owns."""
    return Saga(f"{name}.drop-claim", inputs=("server_id", "claim"), steps=(drop_claim_step(tenants),))


def _tenant_result_step(variables: VariablesOf, ports: Collection[str], *, sockets: bool) -> Step:
    @step(gives="result", effect=False)
    async def build_result(
        framework: ProviderFramework, server_id: str, address: ServerAddress, claim: str, password: Secret
    ) -> ProvisionResult:
        """Put the variables together."""
        del address  # an older release began executions with it
        place = await framework.locate_server(server_id)
        access = attrs.evolve(await connection_info(framework, place, ports), claim=claim, password=password)
        socket = usable_socket(place) if sockets else ""
        return _result(variables, server_id, access, socket, {PASSWORD: password})

    return build_result


def _result_step(variables: VariablesOf, ports: Collection[str], *, sockets: bool) -> Step:
    @step(gives="result", effect=False)
    async def build_result(framework: ProviderFramework, server_id: str, address: ServerAddress) -> ProvisionResult:
        """Put the variables together."""
        del address  # an older release began executions with it
        place = await framework.locate_server(server_id)
        whole = await connection_info(framework, place, ports)
        return _result(variables, server_id, whole, usable_socket(place) if sockets else "")

    return build_result


def _result(
    variables: VariablesOf, server_id: str, access: ConnectionInfo, socket: str, more: Mapping[str, Secret] = {}
) -> ProvisionResult:
    attributes: dict[str, Any] = {"server_id": server_id, "claim": access.claim, **more}
    by_socket = variables(attrs.evolve(access, socket=socket)) if socket else ()
    return ProvisionResult(variables(access), attributes, by_socket)
