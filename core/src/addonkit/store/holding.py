"""A lease while it is held."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from addonkit.errors import AddonkitError, LeaseLost

if TYPE_CHECKING:
    from addonkit.clock import Clock
    from addonkit.models.lease import Lease
    from addonkit.store.interface import Transaction
    from addonkit.store.leases import Leases

_log = logging.getLogger(__name__)


class Held:
    """What `Leases.hold` gives to its block.

    Attributes:
        lease: as last renewed.
        lost: set when the lease is not, or may not be, ours any more, and after the block.
    """

    def __init__(self, leases: Leases, lease: Lease) -> None:
        self.lease = lease
        self.lost = asyncio.Event()
        self._leases = leases

    def check(self, tx: Transaction) -> None:
        """Refuse to go on in a transaction when the lease is lost.

        Raises:
            LeaseLost: always after the block, or once `lost` was set.
        """
        if self.lost.is_set():
            raise LeaseLost(f"cannot go on with {self.lease.key}", "its lease could not be renewed", "begin again")
        self._leases.check(tx, self.lease)

    async def keep(self, clock: Clock) -> None:
        """Renew the lease three times in its lifetime, until it is lost."""
        try:
            while await self._renewed(clock):
                pass
        finally:
            self.lost.set()

    async def end(self, keeper: asyncio.Task[None]) -> None:
        """Stop renewing and give the lease back. A store that fails now is logged: the lease expires by itself."""
        self.lost.set()
        keeper.cancel()
        (outcome,) = await asyncio.gather(keeper, return_exceptions=True)
        if isinstance(outcome, Exception):
            _log.error("the lease of %s could not be renewed", self.lease.key, exc_info=outcome)
        try:
            await self._leases.give_back(self.lease)
        except AddonkitError as error:
            _log.warning("%s was not given back and expires by itself: %s", self.lease.key, error)

    async def _renewed(self, clock: Clock) -> bool:
        await clock.sleep(self._leases.ttl / 3)
        try:
            self.lease = await self._leases.renew(self.lease)
        except LeaseLost as error:
            _log.warning("%s", error)
            return False
        except AddonkitError as error:
            _log.warning("%s was not renewed: %s", self.lease.key, error)
            return clock.now() < self.lease.expires
        return True
