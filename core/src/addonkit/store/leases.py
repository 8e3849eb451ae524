"""Leases: of all processes that share a store, one at a time works on something."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.errors import AddonkitError, Busy, LeaseLost
from addonkit.models.lease import Lease
from addonkit.store.owner import describe_owner
from addonkit.util.concurrency import first_of, uninterrupted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from datetime import datetime

    from addonkit.store.interface import Change, Store, Transaction
    from addonkit.util.clock import Clock

_log = logging.getLogger(__name__)

Within = Callable[["Transaction"], Any]
"""A decision beside the taking of a lease."""

_LOOK_EVERY: Final = 1.0
"""Seconds between attempts while waiting: the death of an owner is not in the change feed."""


class Leases:
    """Takes, renews and gives back leases for one owner.

    A lease is free when it was never held, was given back or has expired. It is free too when its owner's process is
    known to have ended. Each change of hands makes its fence greater by one. Time is the machine's: when clocks
    disagree, two may *believe* that they hold a lease. Only the newest fence passes `check`: work that is written in
    the same transaction is safe at all times.

    Args:
        store: where leases are kept.
        clock: gives the time of day for expiry, and waits.
        owner: this process, see `owner.this_owner`. No other process may use the same text.
        alive: whether an owner's process runs, see `owner.owner_alive`; True when it cannot be known.
        ttl: seconds until a lease that is not renewed expires.
    """

    def __init__(self, store: Store, clock: Clock, owner: str, alive: Callable[[str], bool], ttl: float = 30.0) -> None:
        self.owner = owner
        self.ttl = ttl
        self._store = store
        self._clock = clock
        self._alive = alive

    async def acquire(self, key: str, within: Within | None = None) -> Lease | None:
        """Return the lease, if it is free now. Not taken twice by one owner either: its tasks exclude each other.

        Args:
            key: what is owned.
            within: called in the transaction that takes it.

        Raises:
            StoreError: when the store fails.
        """

        def decide(tx: Transaction) -> Lease | None:
            found = tx.get(Lease, key)
            if found is not None and self._held(found.value):
                return None
            lease = Lease(key, self.owner, found.value.fence + 1 if found else 1, self._expiry())
            taken = tx.put(found, lease) if found else tx.create(key, lease)
            if within is not None:
                within(tx)
            return taken.value

        taking = asyncio.create_task(self._store.transact(decide))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            await uninterrupted(self._give_back_taken(taking))
            raise

    async def is_held(self, key: str) -> bool:
        """Return whether a live process holds the lease now.

        Raises:
            StoreError: when the store fails.
        """
        found = await self._store.get(Lease, key)
        return found is not None and self._held(found.value)

    async def wait(self, key: str, timeout: float | None = None, within: Within | None = None) -> Lease:
        """Return the lease as soon as it is free, at most `timeout` seconds later (None: ever). Waiters have no order.

        Args:
            key: what is owned.
            timeout: seconds; 0 for not waiting at all.
            within: see acquire.

        Raises:
            Busy: when the time is over, saying who holds it.
            StoreError: when the store fails.
        """
        taken = await self.acquire(key, within)
        if taken is not None:
            return taken
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        changed = asyncio.Event()
        async with aclosing(self._store.watch(Lease)) as changes:
            listener: asyncio.Task[None] | None = None
            try:
                while (taken := await self.acquire(key, within)) is None:
                    pause = self._pause(deadline)
                    if pause <= 0:
                        raise await self._busy(key)
                    listener = listener or asyncio.create_task(_listen(changes, key, changed))
                    await first_of(changed.wait(), self._clock.sleep(pause))
                    changed.clear()
                return taken
            finally:
                if listener is not None:
                    listener.cancel()
                    await asyncio.gather(listener, return_exceptions=True)

    @asynccontextmanager
    async def hold(
        self, key: str, *, wait: float | None = None, within: Within | None = None
    ) -> AsyncIterator[LeaseHandle]:
        """Hold the lease for the length of the block, renewing it, and give it back at the end whatever happens.

        When it is lost meanwhile the block is not interrupted: `lost` of the handle is set and `check` raises.

        Args:
            key: what is owned.
            wait: seconds to wait for it; None for ever, 0 not at all.
            within: called in the transaction that takes it; `found` of the handle is what it returned.

        Raises:
            Busy: when it is not free in time, saying who holds it.
            StoreError: when the store fails.
        """
        found: Any = None

        def keep_found(tx: Transaction) -> None:
            nonlocal found
            found = within(tx) if within else None

        lease = await self.wait(key, wait, keep_found)
        held = LeaseHandle(self, lease, found)
        keeper = asyncio.create_task(held.keep(self._clock))
        try:
            yield held
        finally:
            await uninterrupted(held.end(keeper))

    async def renew(self, lease: Lease) -> Lease:
        """Return the same lease with a new expiry, also when it had expired and was not taken.

        Raises:
            LeaseLost: when another owner has it.
            StoreError: when the store fails.
        """

        def decide(tx: Transaction) -> Lease:
            self.check(tx, lease)
            found = tx.get(Lease, lease.key)
            assert found is not None
            return tx.put(found, attrs.evolve(lease, expires=self._expiry())).value

        return await self._store.transact(decide)

    async def give_back(self, lease: Lease) -> bool:
        """Make the lease free; False when it was lost before.

        Raises:
            StoreError: when the store fails.
        """
        return await self._store.transact(lambda tx: self.free(tx, lease))

    def free(self, tx: Transaction, lease: Lease) -> bool:
        """Make the lease free in a transaction; False when it was lost before."""
        found = tx.get(Lease, lease.key)
        if found is None or not _same(found.value, lease):
            return False
        tx.put(found, attrs.evolve(found.value, owner="", expires=self._clock.now()))
        return True

    def check(self, tx: Transaction, lease: Lease) -> None:
        """Refuse to continue in a transaction when the lease has passed to another.

        Raises:
            LeaseLost: saying to whom.
        """
        found = tx.get(Lease, lease.key)
        if found is None or not _same(found.value, lease):
            holder = describe_owner(found.value.owner) if found and found.value.owner else "another process"
            raise LeaseLost(f"cannot resume {lease.key}", f"{holder} has taken it over", "leave it to that one")

    async def sweep(self, age: float = 86_400.0) -> int:
        """Remove leases that were free for `age` seconds; how many. Their fences begin at 1 again.

        Raises:
            StoreError: when the store fails.
        """
        before = self._clock.now() - timedelta(seconds=age)

        def decide(tx: Transaction) -> int:
            old = [each for each in tx.list(Lease).items if each.value.expires < before]
            return sum(tx.delete(Lease, each.name) for each in old if not self._held(each.value))

        return await self._store.transact(decide)

    def _held(self, lease: Lease) -> bool:
        return bool(lease.owner) and lease.expires > self._clock.now() and self._alive(lease.owner)

    def _expiry(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self.ttl)

    def _pause(self, deadline: float | None) -> float:
        return _LOOK_EVERY if deadline is None else min(_LOOK_EVERY, deadline - self._clock.monotonic())

    async def _busy(self, key: str) -> Busy:
        found = await self._store.get(Lease, key)
        owner = found.value.owner if found else ""
        holder = f"{describe_owner(owner)} works on it" if owner else "another process works on it"
        return Busy(f"cannot begin with {key}", holder, "wait until it is done", owner=owner)

    async def _give_back_taken(self, taking: asyncio.Task[Lease | None]) -> None:
        """Free a lease that was taken for a cancelled task now, not when it expires."""
        await asyncio.wait({taking})
        if taking.cancelled() or taking.exception() is not None:
            return
        taken = taking.result()
        if taken is not None:
            await self.give_back(taken)


def _same(found: Lease, lease: Lease) -> bool:
    return (found.owner, found.fence) == (lease.owner, lease.fence)


async def _listen(changes: AsyncGenerator[Change, None], key: str, changed: asyncio.Event) -> None:
    async for change in changes:
        if change.name in {key, ""}:  # a change without a name stands for any
            changed.set()


class LeaseHandle:
    """The handle of a lease that `Leases.hold` gives to its block.

    Attributes:
        lease: as last renewed.
        found: what was returned by the decision in whose transaction the lease was taken.
        lost: set when the lease is not, or may not be, ours any more, and after the block.
    """

    def __init__(self, leases: Leases, lease: Lease, found: Any = None) -> None:
        self.lease = lease
        self.found = found
        self._freed = False
        self._freeing = False
        self.lost = asyncio.Event()
        self._leases = leases

    def check(self, tx: Transaction) -> None:
        """Refuse to continue in a transaction when the lease is lost.

        Raises:
            LeaseLost: always after the block, or once `lost` was set.
        """
        if self.lost.is_set():
            raise LeaseLost(f"cannot resume {self.lease.key}", "its lease could not be renewed", "begin again")
        self._leases.check(tx, self.lease)

    def free(self, tx: Transaction) -> None:
        """Give the lease back in the transaction that writes the last that it is needed for; see `freed`."""
        self._freeing = True
        self._leases.free(tx, self.lease)

    def freed(self) -> None:
        """Take note that the transaction of `free` was committed: there is nothing to give back at the end."""
        self._freed = self._freeing

    async def keep(self, clock: Clock) -> None:
        """Renew the lease three times in its lifetime, until it is lost."""
        try:
            while True:
                await clock.sleep(self._leases.ttl / 3)
                try:
                    self.lease = await self._leases.renew(self.lease)
                except LeaseLost as error:
                    if not self._freeing:
                        _log.warning("%s", error)
                    return
                except AddonkitError as error:
                    _log.warning("%s was not renewed: %s", self.lease.key, error)
                    if clock.now() >= self.lease.expires:
                        return
        finally:
            self.lost.set()

    async def end(self, keeper: asyncio.Task[None]) -> None:
        """Stop renewing and give the lease back. A store that fails now is logged: the lease expires by itself."""
        self.lost.set()
        keeper.cancel()
        (outcome,) = await asyncio.gather(keeper, return_exceptions=True)
        if isinstance(outcome, Exception):
            _log.error("the lease of %s could not be renewed", self.lease.key, exc_info=outcome)
        if self._freed:
            return
        try:
            await self._leases.give_back(self.lease)
        except AddonkitError as error:
            _log.warning("%s was not given back and expires by itself: %s", self.lease.key, error)
