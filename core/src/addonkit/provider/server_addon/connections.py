"""Connects apps with what they have: the variables, and the last step of a provisioning, which puts them together."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import attrs

from addonkit.models.result import ProvisionResult
from addonkit.models.secret import Secret
from addonkit.models.variable import Variable
from addonkit.provider.framework import ProviderFramework, ServerPlace
from addonkit.provider.server_addon.declaration import PASSWORD, ConnectionInfo, admin_password
from addonkit.provider.server_sagas import ServerAddress
from addonkit.saga.step import step
from addonkit.util.unix_sockets import LONGEST
from addonkit.util.values import frozen


@frozen
class ConnectionVariables:
    """Variables of one app.

    Attributes:
        variables: with host and port.
        by_socket: with the path of the server's socket instead; empty where there is none.
    """

    variables: tuple[Variable, ...]
    by_socket: tuple[Variable, ...]


@frozen
class Connections:
    """Puts the variables of an addon's apps together.

    Attributes:
        variables: the author's function; pure.
        ports: names of those that it tells of besides the server's first.
        sockets: whether it tells of the server's Unix socket as well.
    """

    variables: Callable[[ConnectionInfo], tuple[Variable, ...]]
    ports: tuple[str, ...]
    sockets: bool

    async def variables_of(self, framework: ProviderFramework, server_id: str, **login: Any) -> ConnectionVariables:
        """Return the variables of one login; without one, those of the server itself."""
        place = await framework.locate_server(server_id)
        info = attrs.evolve(await self._info(framework, place), **login)
        socket = _usable_socket(place) if self.sockets else ""
        by_socket = self.variables(attrs.evolve(info, socket=socket)) if socket else ()
        return ConnectionVariables(self.variables(info), by_socket)

    async def _info(self, framework: ProviderFramework, place: ServerPlace) -> ConnectionInfo:
        """Return how the administrator gets at a server."""
        server, address = place.server, place.address
        numbers = await self._further_ports(framework, server.id)
        info = ConnectionInfo(address.host, address.port, "", admin_password(server), server.shared, numbers)
        if server.certificate is None:
            return info
        return attrs.evolve(info, host=server.certificate.names[0], ca_file=framework.certificates.file)

    async def _further_ports(self, framework: ProviderFramework, server_id: str) -> dict[str, int]:
        if not self.ports:
            return {}
        pool = await framework.wait_for_pool(server_id)
        return {name: pool.ports[name] for name in self.ports}


@frozen
class ServerResultSteps:
    """Ends the provisioning of an instance that has a server without tenants."""

    connections: Connections

    @step(gives="result", effect=False)
    async def build_result(
        self, framework: ProviderFramework, server_id: str, address: ServerAddress
    ) -> ProvisionResult:
        """Put the variables together."""
        del address  # an older release began executions with it
        built = await self.connections.variables_of(framework, server_id)
        return ProvisionResult(built.variables, {"server_id": server_id, "claim": ""}, built.by_socket)


@frozen
class TenantResultSteps:
    """Ends the provisioning of an instance that is a tenant."""

    connections: Connections

    @step(gives="result", effect=False)
    async def build_result(
        self, framework: ProviderFramework, server_id: str, address: ServerAddress, claim: str, password: Secret
    ) -> ProvisionResult:
        """Put the variables together."""
        del address  # an older release began executions with it
        built = await self.connections.variables_of(framework, server_id, claim=claim, password=password)
        attributes = {"server_id": server_id, "claim": claim, PASSWORD: password}
        return ProvisionResult(built.variables, attributes, built.by_socket)


def _usable_socket(place: ServerPlace) -> str:
    """Return path of a server's socket; empty where it has none, or the path is too long for clients."""
    path = os.path.realpath(place.socket) if place.socket else ""
    return path if len(os.fsencode(path)) <= LONGEST else ""
