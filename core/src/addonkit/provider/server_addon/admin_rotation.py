"""Steps that give the administrator of a server another password, or restore the recorded one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from addonkit.models.instance import Server
from addonkit.models.secret import Secret
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import running
from addonkit.provider.server_addon.declaration import ADMIN_PASSWORD, OTHER_PASSWORD, Tenants, admin_password
from addonkit.provider.server_addon.verbs import AdminTenants
from addonkit.provider.servers import with_attributes
from addonkit.saga.step import step
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.models.compute import CreateSandboxPoolSpec

PoolOf = Callable[[Server], "CreateSandboxPoolSpec"]


@frozen
class RotationSteps:
    """Gives the administrator another password, while apps use the server.

    Attributes:
        admin: sets passwords in the server.
        tenants: the same tenants; a list of claims proves a password.
        pool_of: how the pool of a server looks; pure.
    """

    admin: AdminTenants
    tenants: Tenants
    pool_of: PoolOf

    @step(gives="former")
    async def announce_password(self, framework: ProviderFramework, server_id: str, password: Secret) -> Secret:
        """Record that the administrator gets another password."""
        return admin_password(await framework.servers.change_attributes(server_id, **{OTHER_PASSWORD: password}))

    @announce_password.undo
    async def undo_announce_password(self, framework: ProviderFramework, server_id: str) -> None:
        """Forget it."""
        await framework.servers.change_attributes(server_id, **{OTHER_PASSWORD: None})

    @step(timeout=600)
    async def let_in(self, framework: ProviderFramework, server_id: str, password: Secret, former: Secret) -> None:
        """Let the administrator in with the new password."""
        async with running(framework, server_id) as access:
            await self.admin.set_admin_passwords(access, (former, password))
            await self.tenants.list_claims(access.with_password(password))  # proves it

    @let_in.undo
    async def undo_let_in(self, framework: ProviderFramework, server_id: str, former: Secret) -> None:
        """Let it in with the former one alone."""
        async with running(framework, server_id) as access:
            await self.admin.set_admin_passwords(access, (former,))

    @step
    async def switch_password(
        self, framework: ProviderFramework, server_id: str, password: Secret, former: Secret
    ) -> None:
        """Use the new password."""
        await self._switch(framework, server_id, password, former)

    @switch_password.undo
    async def undo_switch_password(
        self, framework: ProviderFramework, server_id: str, password: Secret, former: Secret
    ) -> None:
        """Use the former one."""
        await self._switch(framework, server_id, former, password)

    async def _switch(self, framework: ProviderFramework, server_id: str, used: Secret, other: Secret) -> None:
        values = {ADMIN_PASSWORD: used, OTHER_PASSWORD: other}
        await framework.change_server(server_id, lambda server: with_attributes(server, **values), self.pool_of)

    @step(undo=None, timeout=600)
    async def lock_out(self, framework: ProviderFramework, server_id: str, password: Secret) -> None:
        """Let the administrator in with the former password no more."""
        async with running(framework, server_id) as access:
            await self.admin.set_admin_passwords(access, (password,))
        await framework.servers.change_attributes(server_id, **{OTHER_PASSWORD: None})


@frozen
class ResetSteps:
    """Gives the administrator the recorded password again, without a login.

    Attributes:
        tenants: a list of claims proves the password; None where the server knows no tenants.
        pool_of: how the pool of a server looks; pure.
        resetting: how it looks for the start that sets the password; pure.
    """

    tenants: Tenants | None
    pool_of: PoolOf
    resetting: PoolOf

    @step(timeout=700)
    async def reset_password(self, framework: ProviderFramework, server_id: str) -> None:
        """Restart the server so that its administrator has the recorded password."""
        await framework.certify((await framework.locate_server(server_id)).server)  # its key may be lost as well
        await framework.change_server(
            server_id, lambda server: with_attributes(server, **{OTHER_PASSWORD: None}), self.resetting
        )
        await _restart(framework, server_id)

    @reset_password.undo
    async def undo_reset_password(self, framework: ProviderFramework, server_id: str) -> None:
        """Let the server start as before."""
        await framework.change_server(server_id, _unchanged, self.pool_of)

    @step(undo=None, timeout=600)
    async def check_password(self, framework: ProviderFramework, server_id: str) -> None:
        """Log in as the administrator."""
        async with running(framework, server_id) as access:
            if self.tenants is not None:
                await self.tenants.list_claims(access)

    @step(undo=None, timeout=700)
    async def restart_server(self, framework: ProviderFramework, server_id: str) -> None:
        """Restart the server as it was."""
        await framework.change_server(server_id, _unchanged, self.pool_of)
        await _restart(framework, server_id)


def _unchanged(server: Server) -> Server:
    return server


async def _restart(framework: ProviderFramework, server_id: str) -> None:
    """Restart a server, unless it was stopped on purpose."""
    if not await framework.is_stopped(server_id):
        await framework.restart_pool(server_id)
        await framework.wait_for_pool(server_id)
