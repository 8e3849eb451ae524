"""Renews certificates of servers in time, and tells which have no time left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.controller.execution_ids import once_id
from addonkit.errors import AddonkitError, InvalidInput, StoreError
from addonkit.models.certificate import RENEW_BEFORE
from addonkit.models.instance import Instance, Server, ServerPhase

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from addonkit.engine.engine import Engine
    from addonkit.provider.framework import ProviderFramework
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock


class CertificateKeeper:
    """Asks addons for other certificates of their servers. All methods raise AddonkitErrors."""

    def __init__(
        self, store: Store, registry: Registry, framework: ProviderFramework, engine: Engine, clock: Clock
    ) -> None:
        self._store = store
        self._registry = registry
        self._framework = framework
        self._engine = engine
        self._clock = clock
        self._told: dict[str, str] = {}

    async def due(self, before: timedelta = RENEW_BEFORE) -> tuple[Server, ...]:
        """Return the servers whose certificate ends within that time, or has ended."""
        servers = [entity.value for entity in await self._store.list(Server, {"phase": ServerPhase.ACTIVE})]
        limit = self._clock.now() + before
        return tuple(each for each in servers if each.certificate is not None and each.certificate.expires <= limit)

    async def renew(self, server_id: str) -> bool:
        """Give a server another certificate while it runs; False for one that needs none.

        Raises:
            InvalidInput: its addon cannot do that.
            SagaFailed: the server does not take it; the former one stays.
        """
        server = await self._framework.servers.get(server_id)
        if server is None or server.certificate is None:
            return False
        tenant = next(iter(await self._framework.servers.tenants(server_id)), None)
        addon = self._registry.get(server.addon, tenant.distribution if tenant else "")
        if "renew_certificate" not in addon.capabilities:
            attempted = f"cannot renew the certificate of {server_id}"
            raise InvalidInput(attempted, f"the addon {server.addon} cannot do that", "ask its author")
        id = once_id("renew-certificate", server_id)
        await self._engine.ensure(id, addon.renew_certificate(server), subject={"server": server_id})
        return True

    async def renew_if_due(self, server_id: str) -> bool:
        """Do that for a server whose certificate ends before long; return whether it did."""
        return any(each.id == server_id for each in await self.due()) and await self.renew(server_id)

    async def check_once(self, report: Callable[[str], None]) -> None:
        """Renew what is due. Write the file that clients verify certificates with, if it is not as it should be.

        Args:
            report: called with each thing that was done, and once with each that cannot be done.
        """
        if not await self._framework.certificates.is_written():
            await self._framework.certificates.write()
            report(f"{self._framework.certificates.file} was not as it should be, and is written anew")
        for server in await self.due():
            names = ", ".join(sorted(each.name for each in await self._tenants(server)))
            try:
                await self.renew(server.id)
            except StoreError:
                raise
            except AddonkitError as error:
                if self._told.get(server.id) != str(error):
                    self._told[server.id] = str(error)
                    report(f"{names}: its certificate cannot be renewed: {error}")
                continue
            self._told.pop(server.id, None)
            report(f"{names}: its certificate is renewed")

    async def _tenants(self, server: Server) -> tuple[Instance, ...]:
        return await self._framework.servers.tenants(server.id)
