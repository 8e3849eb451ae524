"""Another password for the administrator of a server: sagas for addons that can change or restore it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from addonkit.models.instance import Server
from addonkit.models.secret import Secret
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import running
from addonkit.provider.server_addon.answers import of_server
from addonkit.provider.server_addon.declaration import (
    ADMIN_PASSWORD,
    OTHER_PASSWORD,
    ServerAccess,
    Tenants,
    admin_password,
)
from addonkit.provider.server_addon.tenancy import generate_password
from addonkit.provider.servers import with_attributes
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, step

if TYPE_CHECKING:
    from addonkit.models.compute import CreateSandboxPoolSpec

PoolOf = Callable[[Server], "CreateSandboxPoolSpec"]


@runtime_checkable
class AdminTenants(Protocol):
    """Tenants of servers whose administrator's password can be replaced; see Tenants."""

    async def set_admin_passwords(self, access: ServerAccess, passwords: Sequence[Secret]) -> None:
        """Let the administrator log in with these passwords, or with the last of them."""
        ...


def rotate_admin_hook(name: str, pool_of: PoolOf, tenants: Tenants | None) -> Callable[[Server], Saga[None]] | None:
    """The hook `addon_rotate_admin` of the addon of that name; None when its tenants cannot."""
    if tenants is None or not isinstance(tenants, AdminTenants):
        return None
    steps = (
        generate_password,
        _announce_step(),
        _let_in_step(tenants, tenants),
        _switch_step(pool_of),
        _lock_out_step(tenants),
    )
    saga: Saga[None] = Saga(f"{name}.rotate-admin", inputs=("server_id",), steps=steps)

    return of_server(saga)


def reset_admin_hook(
    name: str, pool_of: PoolOf, resetting: PoolOf | None, tenants: Tenants | None
) -> Callable[[Server], Saga[None]] | None:
    """The hook `addon_reset_admin` of the addon of that name; None when its servers have no way to do that."""
    if resetting is None:
        return None
    steps = (_reset_step(resetting, pool_of), _check_step(tenants), _restart_step(pool_of))
    saga: Saga[None] = Saga(f"{name}.reset-admin", inputs=("server_id",), steps=steps)

    return of_server(saga)


def _announce_step() -> Step:
    @step(gives="former")
    async def announce_password(framework: ProviderFramework, server_id: str, password: Secret) -> Secret:
        """Record that the administrator gets another password."""
        return admin_password(await framework.servers.change_attributes(server_id, **{OTHER_PASSWORD: password}))

    @announce_password.undo
    async def undo_announce_password(framework: ProviderFramework, server_id: str) -> None:
        await framework.servers.change_attributes(server_id, **{OTHER_PASSWORD: None})

    return announce_password


def _let_in_step(admin: AdminTenants, tenants: Tenants) -> Step:
    @step(timeout=600)
    async def let_in(framework: ProviderFramework, server_id: str, password: Secret, former: Secret) -> None:
        """Let the administrator in with the new password."""
        async with running(framework, server_id) as access:
            await admin.set_admin_passwords(access, (former, password))
            await tenants.list_claims(access.with_password(password))  # proves it

    @let_in.undo
    async def undo_let_in(framework: ProviderFramework, server_id: str, former: Secret) -> None:
        async with running(framework, server_id) as access:
            await admin.set_admin_passwords(access, (former,))

    return let_in


def _switch_step(pool_of: PoolOf) -> Step:
    @step
    async def switch_password(framework: ProviderFramework, server_id: str, password: Secret, former: Secret) -> None:
        """Use the new password."""
        await _switch(framework, server_id, pool_of, password, former)

    @switch_password.undo
    async def undo_switch_password(
        framework: ProviderFramework, server_id: str, password: Secret, former: Secret
    ) -> None:
        await _switch(framework, server_id, pool_of, former, password)

    return switch_password


async def _switch(framework: ProviderFramework, server_id: str, pool_of: PoolOf, used: Secret, other: Secret) -> None:
    values = {ADMIN_PASSWORD: used, OTHER_PASSWORD: other}
    await framework.change_server(server_id, lambda server: with_attributes(server, **values), pool_of)


def _lock_out_step(tenants: AdminTenants) -> Step:
    @step(undo=None, timeout=600)
    async def lock_out(framework: ProviderFramework, server_id: str, password: Secret) -> None:
        """Let the administrator in with the former password no more."""
        async with running(framework, server_id) as access:
            await tenants.set_admin_passwords(access, (password,))
        await framework.servers.change_attributes(server_id, **{OTHER_PASSWORD: None})

    return lock_out


def _reset_step(resetting: PoolOf, pool_of: PoolOf) -> Step:
    @step(timeout=700)
    async def reset_password(framework: ProviderFramework, server_id: str) -> None:
        """Restart the server so that its administrator has the recorded password."""
        await framework.certify((await framework.locate_server(server_id)).server)  # its key may be lost as well
        await framework.change_server(
            server_id, lambda server: with_attributes(server, **{OTHER_PASSWORD: None}), resetting
        )
        await _restart(framework, server_id)

    @reset_password.undo
    async def undo_reset_password(framework: ProviderFramework, server_id: str) -> None:
        await framework.change_server(server_id, lambda server: server, pool_of)

    return reset_password


def _check_step(tenants: Tenants | None) -> Step:
    @step(undo=None, timeout=600)
    async def check_password(framework: ProviderFramework, server_id: str) -> None:
        """Log in as the administrator."""
        async with running(framework, server_id) as access:
            if tenants is not None:
                await tenants.list_claims(access)

    return check_password


def _restart_step(pool_of: PoolOf) -> Step:
    @step(undo=None, timeout=700)
    async def restart_server(framework: ProviderFramework, server_id: str) -> None:
        """Restart the server as it was."""
        await framework.change_server(server_id, lambda server: server, pool_of)
        await _restart(framework, server_id)

    return restart_server


async def _restart(framework: ProviderFramework, server_id: str) -> None:
    """Restart a server, unless it was stopped on purpose."""
    if not await framework.is_stopped(server_id):
        await framework.restart_pool(server_id)
        await framework.wait_for_pool(server_id)
