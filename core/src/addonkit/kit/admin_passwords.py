"""The passwords of administrators of servers, with which addons work on them: replaced, or made anew when lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.execution_ids import admin_rotation_id, once_id
from addonkit.controller.lookup import existing, lookup_instance
from addonkit.errors import Busy, InvalidInput
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.models.instance import Instance, Phase, Server
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.kit.services import Services
    from addonkit.registry.addon import Addon
    from addonkit.store.interface import Transaction


@frozen
class AdminRotated:
    """A server whose administrator has another password.

    Attributes:
        instance: that was named.
        server: its server.
        instances: names of all that live there, sorted.
    """

    instance: str
    server: str
    instances: tuple[str, ...]


class AdminPasswords:
    """Operations on passwords of administrators. They are never shown."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._registry = services.registry
        self._engine = services.engine

    async def rotate(self, name: str, app: str | None = None) -> AdminRotated:
        """Give the administrator of an instance's server another password; apps notice nothing.

        Interrupted anywhere, the former one or the new one works, and addonkit has it; the next call continues.

        Args:
            name: of the instance.
            app: that calls it so.

        Raises:
            InvalidInput: its addon has no such password, or cannot replace it.
            Busy: it is not active.
            SagaFailed: the server refused it; the former one stays.
        """
        instance = await lookup_instance(self._store, name, app)
        attempted = f"cannot replace the administrator's password of {instance.name}"
        addon = self._addon(instance, attempted)
        server = await self._server(addon, instance, "rotate_admin", attempted)
        id = admin_rotation_id(server)
        found = await self._engine.execution(id)
        if found is not None and found.status is ExecutionStatus.BLOCKED:
            await self._engine.unblock(id)
        await self._engine.ensure(id, addon.rotate_admin(server), subject={"server": server.id}, again=True)
        await self._store.transact(lambda tx: _complete(tx, server, id))
        return await self._rotated(instance, server)

    async def reset(self, name: str, app: str | None = None) -> AdminRotated | None:
        """Give the administrator of an instance's server the recorded password, whatever the server has.

        The server restarts. Doing it again changes nothing.

        Args:
            name: of the instance.
            app: that calls it so.

        Returns:
            None when the instance has no server here.

        Raises:
            InvalidInput: its addon has no way to do that.
            SagaFailed: the server does not start, or does not let the administrator in.
        """
        instance = await lookup_instance(self._store, name, app)
        attempted = f"cannot get into the server of {instance.name} anew"
        addon = self._addon(instance, attempted)
        if not instance.server:
            return None
        server = await self._server(addon, instance, "reset_admin", attempted)
        id = once_id("reset-admin", server.id)
        await self._engine.ensure(id, addon.reset_admin(server), subject={"server": server.id})
        return await self._rotated(instance, server)

    def _addon(self, instance: Instance, attempted: str) -> Addon:
        self._registry.check_plugins()
        if instance.phase is not Phase.ACTIVE:
            raise Busy(attempted, f"it is {instance.phase}", f"run `addonkit retry {instance.name}` first")
        return addon_of(self._registry, instance)

    async def _server(self, addon: Addon, instance: Instance, capability: str, attempted: str) -> Server:
        if not instance.server:
            found = f"{addon.name} runs no server here"
            advice = f"replace it where it was made, then run `addonkit config set {addon.name}`"
            raise InvalidInput(attempted, found, advice)
        if capability not in addon.capabilities:
            raise InvalidInput(attempted, f"the addon {addon.name} cannot do that", "ask its author")
        return await self._store.read(lambda tx: existing(tx, Server, instance.server).value)

    async def _rotated(self, instance: Instance, server: Server) -> AdminRotated:
        there = await self._store.list(Instance, {"server": server.id})
        return AdminRotated(instance.name, server.id, tuple(sorted(each.value.name for each in there)))


def _complete(tx: Transaction, server: Server, id: str) -> None:
    """Count a rotation that is complete, and keep nothing of it."""
    entity = tx.get(Server, server.id)
    if entity is not None and entity.value.admin_number == server.admin_number:
        tx.put(entity, attrs.evolve(entity.value, admin_number=server.admin_number + 1))
    tx.delete(Execution, id)
