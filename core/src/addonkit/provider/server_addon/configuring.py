"""Steps that bring other values of options into force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.models.instance import Instance, Server
from addonkit.models.options import LISTEN
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import running
from addonkit.provider.server_addon.declaration import Progress, tenant_of
from addonkit.provider.server_addon.verbs import OptionTenants
from addonkit.saga.step import Step, step
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.models.certificate import Certificate
    from addonkit.models.compute import CreateSandboxPoolSpec
    from addonkit.models.definition import AddonDefinition

PoolOf = Callable[[Server], "CreateSandboxPoolSpec"]


@frozen
class OptionSteps:
    """Brings other values of options into force, in the server and in a tenant.

    Attributes:
        tenants: have options of their own, or not.
        pool_of: how the pool of a server looks; pure.
    """

    tenants: object
    pool_of: PoolOf

    def all(self) -> tuple[Step, ...]:
        """Return the steps that these tenants need."""
        return (self.change_server, *((self.change_tenant,) if isinstance(self.tenants, OptionTenants) else ()))

    @step(timeout=700)
    async def change_server(
        self,
        framework: ProviderFramework,
        progress: Progress,
        server_id: str,
        former: Any,
        wanted: Any,
        *,
        restart: bool,
    ) -> None:
        """Change the settings of the server."""
        await _change_server(framework, progress, self.pool_of, server_id, former, wanted, restart=restart)

    @change_server.undo
    async def undo_change_server(
        self,
        framework: ProviderFramework,
        progress: Progress,
        server_id: str,
        former: Any,
        wanted: Any,
        *,
        restart: bool,
    ) -> None:
        """Change them back."""
        await _change_server(framework, progress, self.pool_of, server_id, wanted, former, restart=restart)

    @step(timeout=600)
    async def change_tenant(
        self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str, former: Any, wanted: Any
    ) -> None:
        """Change what holds for the app."""
        await self._configure(framework, instance, server_id, claim, former, wanted)

    @change_tenant.undo
    async def undo_change_tenant(
        self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str, former: Any, wanted: Any
    ) -> None:
        """Change it back."""
        await self._configure(framework, instance, server_id, claim, wanted, former)

    async def _configure(
        self,
        framework: ProviderFramework,
        instance: Instance,
        server_id: str,
        claim: str,
        before: Mapping[str, str],
        after: Mapping[str, str],
    ) -> None:
        tenants: Any = self.tenants
        tenant = attrs.evolve(tenant_of(instance, claim), config=_replaced(instance, before, after))
        async with running(framework, server_id) as access:
            await tenants.configure(access, tenant, _replaced(instance, after, before))


def changes_of(definition: AddonDefinition, instance: Instance, config: Mapping[str, str]) -> dict[str, Any]:
    """Return inputs of the saga about the options of an instance that differ."""
    former = instance.config
    names = [name for name in {**former, **config} if former.get(name) != config.get(name)]
    return {
        "former": {name: former[name] for name in names if name in former},
        "wanted": {name: config[name] for name in names if name in config},
        "restart": definition.options_of(instance.variant).needs_restart(
            former, {each: config.get(each, "") for each in names}
        ),
    }


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


def _replaced(instance: Instance, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return the config of an instance with some values in the place of others."""
    return {**{name: value for name, value in instance.config.items() if name not in before}, **after}
