"""Steps that make, end and watch the logins of associations."""

from __future__ import annotations

from collections.abc import Container, Mapping
from contextlib import suppress
from typing import Any, Final

from addonkit.errors import AddonkitError
from addonkit.models.identifiers import sanitize_identifier
from addonkit.models.instance import Association, Instance, Phase, Purpose
from addonkit.models.result import BindResult, Sessions
from addonkit.models.secret import Secret
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access, ensure_access, running
from addonkit.provider.server_addon.connections import Connections
from addonkit.provider.server_addon.declaration import PASSWORD, Login, tenant_of
from addonkit.provider.server_addon.verbs import LoginTenants
from addonkit.saga.step import step
from addonkit.util.values import frozen

LOGIN: Final = "login"
"""Attribute of an Association that holds the name of its login; without one it has the login of its instance."""

_SEPARATOR: Final = "."
"""Stands in names of logins, and never in a claim: none is taken for the other."""

_ROOM: Final = 17
"""Characters of a login's name beside those of its app."""


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


@step(gives="password", effect=False)
async def generate_login_password() -> Secret:
    """Generate a password."""
    return Secret.generate()


@frozen
class LoginSteps:
    """Makes, ends and watches the login of an association.

    Attributes:
        tenants: have logins.
        names: of them.
        connections: put the variables together.
    """

    tenants: LoginTenants
    names: LoginNames
    connections: Connections

    @step(timeout=600)
    async def add_login(
        self,
        framework: ProviderFramework,
        instance: Instance,
        association: Association,
        server_id: str,
        claim: str,
        password: Secret,
    ) -> None:
        """Let an app log in."""
        login = Login(self.names.of(association), password, association.role)
        await self.tenants.add_login(await ensure_access(framework, server_id), tenant_of(instance, claim), login)

    @add_login.undo
    async def undo_add_login(
        self, framework: ProviderFramework, instance: Instance, association: Association, server_id: str, claim: str
    ) -> None:
        """Remove the login."""
        if association is not None:
            await self._remove(framework, instance, server_id, claim, self.names.of(association))

    @step(gives="result", effect=False)
    async def build_binding(
        self, framework: ProviderFramework, association: Association, server_id: str, claim: str, password: Secret
    ) -> BindResult:
        """Put the variables together."""
        name = self.names.of(association)
        login = {"claim": claim, "password": password, "user": name}
        built = await self.connections.variables_of(framework, server_id, **login)
        return BindResult(built.variables, {LOGIN: name, PASSWORD: password}, built.by_socket)

    @step(undo=None, timeout=600)
    async def remove_login(
        self, framework: ProviderFramework, instance: Instance, association: Association, server_id: str, claim: str
    ) -> None:
        """End a login and its sessions."""
        name = login_of(association.attributes, claim)
        if name == claim and await _is_used(framework, instance, association):
            return
        await self._remove(framework, instance, server_id, claim, name)

    @step(gives="result", undo=None)
    async def count_sessions(
        self, framework: ProviderFramework, instance: Instance, association: Association, server_id: str, claim: str
    ) -> Sessions:
        """Count the sessions."""
        name = login_of(association.attributes, claim)
        if name == claim and await _is_used(framework, instance, association):
            return Sessions(0)  # those of other apps
        access = await admin_access(framework, server_id)
        return Sessions(await self.tenants.count_sessions(access, tenant_of(instance, claim), name))

    async def _remove(
        self, framework: ProviderFramework, instance: Instance | None, server_id: str, claim: str, name: str
    ) -> None:
        """Remove a login, unless all of its instance goes with it."""
        if instance is None or instance.phase is Phase.DEPROVISIONING or await framework.servers.get(server_id) is None:
            return
        tenant = tenant_of(instance, claim)
        if instance.purpose is not Purpose.SERVE:
            # Its place is taken already: a server that is down must not keep apps from their new one.
            with suppress(AddonkitError):
                await self.tenants.remove_login(await admin_access(framework, server_id), tenant, name)
            return
        async with running(framework, server_id) as access:
            await self.tenants.remove_login(access, tenant, name)


def login_of(attributes: Mapping[str, Any], claim: str) -> str:
    """Return the name of the login of an association; one of an older release has that of its instance."""
    return str(attributes.get(LOGIN, claim))


async def known_logins(framework: ProviderFramework, instance: Instance) -> dict[str, Secret]:
    """Return names of the logins that apps have to their passwords."""
    found: dict[str, Secret] = {}
    for tie in await framework.servers.associations(instance.id):
        if tie.phase is Phase.ACTIVE:
            own = LOGIN in tie.attributes
            password = (tie.attributes if own else instance.attributes).get(PASSWORD)
            found |= {login_of(tie.attributes, instance.claim): password} if password else {}
    return found


async def _is_used(framework: ProviderFramework, instance: Instance, association: Association) -> bool:
    """Return whether other apps have the login of the instance, as all had in older releases."""
    ties = await framework.servers.associations(instance.id)
    return any(tie.id != association.id and LOGIN not in tie.attributes and tie.plain for tie in ties)
