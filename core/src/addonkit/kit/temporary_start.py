"""Starts a server that a user has stopped for as long as its data are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from addonkit.controller.power import ServerPower
from addonkit.errors import AddonkitError, BackupError

if TYPE_CHECKING:
    from addonkit.kit.services import Services
    from addonkit.models.instance import Instance


class TemporaryStart:
    """Works on the servers of one home."""

    def __init__(self, services: Services) -> None:
        self._power = ServerPower(services.store, services.backend, services.framework)

    async def is_needed(self, instance: Instance) -> bool:
        """Return whether a user has stopped the server of an instance."""
        return bool(instance.server and await self._power.stopped((instance.server,)))

    @asynccontextmanager
    async def started(self, instance: Instance, attempted: str, advice: str) -> AsyncIterator[None]:
        """Have the server run while the block lasts; then it is stopped again if it was before.

        Raises:
            BackupError: it was stopped and does not start; `attempted` and `advice` are of the message.
        """
        if not await self.is_needed(instance):
            yield
            return
        try:
            await self._power.start(instance.server)
        except AddonkitError as error:
            await self._power.stop(instance.server)
            raise BackupError(attempted, f"its server was stopped and does not start: {error}", advice) from error
        try:
            yield
        finally:
            await self._power.stop(instance.server)
