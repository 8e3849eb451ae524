"""Logins of associations on servers: sagas for addons whose tenants can add, remove and watch them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Container, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol, runtime_checkable

import attrs

from addonkit.errors import AddonkitError
from addonkit.models.identifiers import sanitize_identifier
from addonkit.models.instance import Association, Instance, Phase, Purpose
from addonkit.models.result import BindResult, Sessions
from addonkit.models.secret import Secret
from addonkit.models.variable import Variable
from addonkit.provider.framework import ProviderFramework, ServerPlace
from addonkit.provider.server_addon.admin_access import admin_access, ensure_access, running
from addonkit.provider.server_addon.data import tenant_of
from addonkit.provider.server_addon.declaration import (
    PASSWORD,
    ConnectionInfo,
    Login,
    ServerAccess,
    Tenant,
    admin_password,
)
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, step, title_of
from addonkit.util.unix_sockets import LONGEST
from addonkit.util.values import frozen

LOGIN: Final = "login"
"""Attribute of an Association that holds the name of its login; without one it has the login of its instance."""

_SEPARATOR: Final = "."
"""Stands in names of logins, and never in a claim: none is taken for the other."""

_ROOM: Final = 17
"""Characters of a login's name beside those of its app."""


@runtime_checkable
class LoginTenants(Protocol):
    """Tenants whose apps have logins of their own; see Tenants."""

    async def add_login(self, access: ServerAccess, tenant: Tenant, login: Login) -> None:
        """Let an app log in."""
        ...

    async def remove_login(self, access: ServerAccess, tenant: Tenant, name: str) -> None:
        """End a login and its sessions."""
        ...

    async def count_sessions(self, access: ServerAccess, tenant: Tenant, name: str) -> int:
        """Count the sessions of a login."""
        ...


@frozen
class LoginSagas:
    """What logins of a server addon consist of. Each takes the inputs `server_id` and `claim`.

    Attributes:
        bind: makes a login.
        unbind: ends one.
        sessions: counts its sessions.
    """

    bind: Saga[BindResult]
    unbind: Saga[None]
    sessions: Saga[Sessions]


@frozen
class LoginNames:
    """Names of logins on the servers of an addon.

    Attributes:
        longest: characters of a name.
        reserved: names that no app may have.
    """

    longest: int
    reserved: Container[str]

    def of(self, association: Association) -> str:
        """Return the name that an association's login has in its generation: the app, the tie, the generation."""
        app = sanitize_identifier(association.app, max(self.longest - _ROOM, 1))
        name = _SEPARATOR.join((app, association.id, str(association.generation)))
        return f"a{name}" if name in self.reserved else name


def login_sagas(
    name: str,
    tenants: object,
    variables: Callable[[ConnectionInfo], tuple[Variable, ...]],
    ports: Collection[str],
    names: LoginNames,
    *,
    sockets: bool,
) -> LoginSagas | None:
    """The sagas of an addon of that name; None when its tenants do not have all three verbs."""
    if not isinstance(tenants, LoginTenants):
        return None
    inputs = ("server_id", "claim")
    bind = (
        generate_login_password,
        _add_step(tenants, names),
        _result_step(variables, ports, names, sockets=sockets),
    )
    return LoginSagas(
        Saga(f"{name}.bind", inputs=inputs, steps=bind),
        Saga(f"{name}.unbind", inputs=inputs, steps=(_remove_step(tenants),)),
        Saga(f"{name}.sessions", inputs=inputs, steps=(_count_step(tenants),)),
    )


@step(gives="password", effect=False)
async def generate_login_password() -> Secret:
    """Generate a password."""
    return Secret.generate()


def _add_step(tenants: LoginTenants, names: LoginNames) -> Step:
    @step(title=title_of(tenants.add_login), timeout=600)
    async def add_login(
        framework: ProviderFramework,
        instance: Instance,
        association: Association,
        server_id: str,
        claim: str,
        password: Secret,
    ) -> None:
        login = Login(names.of(association), password, association.role)
        await tenants.add_login(await ensure_access(framework, server_id), tenant_of(instance, claim), login)

    @add_login.undo
    async def undo_add_login(
        framework: ProviderFramework, instance: Instance, association: Association, server_id: str, claim: str
    ) -> None:
        if association is not None:
            await _remove(tenants, framework, instance, server_id, claim, names.of(association))

    return add_login


def _result_step(
    variables: Callable[[ConnectionInfo], tuple[Variable, ...]],
    ports: Collection[str],
    names: LoginNames,
    *,
    sockets: bool,
) -> Step:
    @step(gives="result", effect=False)
    async def build_binding(
        framework: ProviderFramework, association: Association, server_id: str, claim: str, password: Secret
    ) -> BindResult:
        """Put the variables together."""
        place = await framework.locate_server(server_id)
        name = names.of(association)
        info = await connection_info(framework, place, ports)
        access = attrs.evolve(info, claim=claim, password=password, user=name)
        socket = usable_socket(place) if sockets else ""
        by_socket = variables(attrs.evolve(access, socket=socket)) if socket else ()
        return BindResult(variables(access), {LOGIN: name, PASSWORD: password}, by_socket)

    return build_binding


def _remove_step(tenants: LoginTenants) -> Step:
    @step(title=title_of(tenants.remove_login), undo=None, timeout=600)
    async def remove_login(
        framework: ProviderFramework, instance: Instance, association: Association, server_id: str, claim: str
    ) -> None:
        name = login_of(association.attributes, claim)
        if name == claim and await _is_used(framework, instance, association):
            return
        await _remove(tenants, framework, instance, server_id, claim, name)

    return remove_login


def _count_step(tenants: LoginTenants) -> Step:
    @step(gives="result", undo=None)
    async def count_sessions(
        framework: ProviderFramework, instance: Instance, association: Association, server_id: str, claim: str
    ) -> Sessions:
        """Count the sessions."""
        name = login_of(association.attributes, claim)
        if name == claim and await _is_used(framework, instance, association):
            return Sessions(0)  # those of other apps
        access = await admin_access(framework, server_id)
        return Sessions(await tenants.count_sessions(access, tenant_of(instance, claim), name))

    return count_sessions


def login_of(attributes: Mapping[str, Any], claim: str) -> str:
    """The name of the login of an association; one of an older release has that of its instance."""
    return str(attributes.get(LOGIN, claim))


async def known_logins(framework: ProviderFramework, instance: Instance) -> dict[str, Secret]:
    """Names of the logins that apps have to their passwords."""
    found: dict[str, Secret] = {}
    for tie in await framework.servers.associations(instance.id):
        if tie.phase is Phase.ACTIVE:
            own = LOGIN in tie.attributes
            password = (tie.attributes if own else instance.attributes).get(PASSWORD)
            found |= {login_of(tie.attributes, instance.claim): password} if password else {}
    return found


async def _is_used(framework: ProviderFramework, instance: Instance, association: Association) -> bool:
    """Whether other apps have the login of the instance, as all had in older releases."""
    ties = await framework.servers.associations(instance.id)
    return any(tie.id != association.id and LOGIN not in tie.attributes and tie.plain for tie in ties)


async def _remove(
    tenants: LoginTenants,
    framework: ProviderFramework,
    instance: Instance | None,
    server_id: str,
    claim: str,
    name: str,
) -> None:
    """Remove a login, unless all of its instance goes with it."""
    if instance is None or instance.phase is Phase.DEPROVISIONING or await framework.servers.get(server_id) is None:
        return
    if instance.purpose is not Purpose.SERVE:
        # Its place is taken already: a server that is down must not keep apps from their new one.
        with suppress(AddonkitError):
            await tenants.remove_login(await admin_access(framework, server_id), tenant_of(instance, claim), name)
        return
    async with running(framework, server_id) as access:
        await tenants.remove_login(access, tenant_of(instance, claim), name)


async def connection_info(framework: ProviderFramework, place: ServerPlace, ports: Collection[str]) -> ConnectionInfo:
    """How an app gets at a server, with the administrator's password and without a claim."""
    server, address = place.server, place.address
    numbers = await further_ports(framework, server.id, ports)
    info = ConnectionInfo(address.host, address.port, "", admin_password(server), server.shared, numbers)
    if server.certificate is None:
        return info
    return attrs.evolve(info, host=server.certificate.names[0], ca_file=framework.certificates.file)


async def further_ports(framework: ProviderFramework, server_id: str, names: Collection[str]) -> dict[str, int]:
    """Where further ports of a server answer, by name."""
    if not names:
        return {}
    pool = await framework.wait_for_pool(server_id)
    return {name: pool.ports[name] for name in names}


def usable_socket(place: ServerPlace) -> str:
    """Path of a server's socket; empty where it has none, or the path is too long for clients."""
    path = os.path.realpath(place.socket) if place.socket else ""
    return path if len(os.fsencode(path)) <= LONGEST else ""
