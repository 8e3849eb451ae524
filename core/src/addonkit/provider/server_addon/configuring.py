"""Options of a server addon: the saga that brings other values into force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import attrs

from addonkit.models.instance import Instance, Server
from addonkit.models.options import LISTEN
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import running
from addonkit.provider.server_addon.declaration import PASSWORD, Progress, ServerAccess, Tenant
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, step

if TYPE_CHECKING:
    from addonkit.models.certificate import Certificate
    from addonkit.models.compute import CreateSandboxPoolSpec
    from addonkit.models.definition import AddonDefinition

PoolOf = Callable[[Server], "CreateSandboxPoolSpec"]


@runtime_checkable
class OptionTenants(Protocol):
    """Tenants that have options of their own; see Tenants."""

    async def configure(self, access: ServerAccess, tenant: Tenant, former: Mapping[str, str]) -> None:
        """Bring into force what differs between the former config and the tenant's."""
        ...


def configure_saga(definition: AddonDefinition, pool_of: PoolOf, tenants: object) -> Saga[None] | None:
    """The saga that changes options; None for an addon that has none."""
    if not definition.options:
        return None
    steps: tuple[Step, ...] = (_server_step(pool_of),)
    if isinstance(tenants, OptionTenants):
        steps = (*steps, _tenant_step(tenants))
    inputs = ("server_id", "claim", "former", "wanted", "restart")
    return Saga(f"{definition.name}.configure", inputs=inputs, steps=steps)


def bound_to(
    saga: Saga[None], definition: AddonDefinition, instance: Instance, config: Mapping[str, str]
) -> Saga[None]:
    """The saga about the options of an instance that differ."""
    former = instance.config
    names = [name for name in {**former, **config} if former.get(name) != config.get(name)]
    return saga.bind(
        server_id=instance.server,
        claim=instance.claim,
        former={name: former[name] for name in names if name in former},
        wanted={name: config[name] for name in names if name in config},
        restart=definition.options_of(instance.variant).needs_restart(
            former, {each: config.get(each, "") for each in names}
        ),
    )


def _server_step(pool_of: PoolOf) -> Step:
    @step(timeout=700)
    async def change_server(
        framework: ProviderFramework, progress: Progress, server_id: str, former: Any, wanted: Any, *, restart: bool
    ) -> None:
        """Change the settings of the server."""
        await _change_server(framework, progress, pool_of, server_id, former, wanted, restart=restart)

    @change_server.undo
    async def undo_change_server(
        framework: ProviderFramework, progress: Progress, server_id: str, former: Any, wanted: Any, *, restart: bool
    ) -> None:
        await _change_server(framework, progress, pool_of, server_id, wanted, former, restart=restart)

    return change_server


def _tenant_step(tenants: OptionTenants) -> Step:
    @step(timeout=600)
    async def change_tenant(
        framework: ProviderFramework, instance: Instance, server_id: str, claim: str, former: Any, wanted: Any
    ) -> None:
        """Change what holds for the app."""
        async with running(framework, server_id) as access:
            await tenants.configure(
                access, _tenant(instance, claim, former, wanted), _replaced(instance, wanted, former)
            )

    @change_tenant.undo
    async def undo_change_tenant(
        framework: ProviderFramework, instance: Instance, server_id: str, claim: str, former: Any, wanted: Any
    ) -> None:
        async with running(framework, server_id) as access:
            await tenants.configure(
                access, _tenant(instance, claim, wanted, former), _replaced(instance, former, wanted)
            )

    return change_tenant


async def _change_server(
    framework: ProviderFramework,
    progress: Progress,
    pool_of: PoolOf,
    server_id: str,
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    restart: bool,
) -> None:
    server = (await framework.locate_server(server_id)).server
    if server.shared:
        return
    certificate = await _certificate(framework, server, after.get(LISTEN, "" if LISTEN in before else server.listen))

    def change(now: Server) -> Server:
        kept = {name: value for name, value in now.config.items() if name not in before}
        return attrs.evolve(now, config={**kept, **after}, certificate=certificate)

    await framework.change_server(server_id, change, pool_of)
    if restart and not await framework.is_stopped(server_id):
        progress("restarting the server")
        await framework.restart_pool(server_id)
        await framework.wait_for_pool(server_id)
        await framework.check_listens((await framework.locate_server(server_id)).server)


async def _certificate(framework: ProviderFramework, server: Server, listen: str) -> Certificate | None:
    """Return the certificate that a server needs to listen at an address: its own, or a new one; None without one."""
    if not listen:
        return None
    has = server.certificate
    return has if has is not None and listen == server.listen else await framework.certificates.issue(listen)


def _tenant(instance: Instance, claim: str, before: Mapping[str, str], after: Mapping[str, str]) -> Tenant:
    config = _replaced(instance, before, after)
    return Tenant(claim, instance.id, config, instance.attributes.get(PASSWORD))


def _replaced(instance: Instance, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """The config of an instance with some values in the place of others."""
    return {**{name: value for name, value in instance.config.items() if name not in before}, **after}
