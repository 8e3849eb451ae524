"""Tells the executions that this process runs when one is asked to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from addonkit.errors import AddonkitError
from addonkit.models.execution import CancelRequest, Execution

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from addonkit.store.interface import Change, Store, Transaction

_log = logging.getLogger(__name__)


def request_cancellation(tx: Transaction, id: str) -> None:
    """Wake the process that runs the execution, in the transaction that asks it to stop."""
    if tx.get(CancelRequest, id) is None:
        tx.create(id, CancelRequest(id))


def forget_cancellation(tx: Transaction, id: str) -> None:
    """Remove the request of an execution that begins or is forgotten."""
    tx.delete(CancelRequest, id)


class CancellationWatch:
    """Watches for requests to stop, once for all executions of this process.

    Args:
        store: where requests are written. While it fails, an execution notices a request between two steps.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._signals: dict[str, asyncio.Event] = {}
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def signal(self, id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the execution is asked to stop, from now to the end of the block.

        One task at a time runs an execution: it holds the lease.
        """
        self._signals[id] = event = asyncio.Event()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(self._store.watch(CancelRequest)))
        try:
            yield event
        finally:
            if self._signals.get(id) is event:
                del self._signals[id]
            await self._rest()

    async def _rest(self) -> None:
        """Stop watching when no execution runs."""
        task = self._task
        if self._signals or task is None:
            return
        self._task = None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _run(self, changes: AsyncGenerator[Change, None]) -> None:
        try:
            async with aclosing(changes):
                async for change in changes:
                    await self._hear(change.name)
        except AddonkitError as error:
            _log.warning("requests to stop are noticed between two steps only: %s", error)

    async def _hear(self, name: str) -> None:
        """Set the signals that a change means; a change without a name stands for any."""
        for id in [name] if name else list(self._signals):
            entity = await self._store.get(Execution, id) if id in self._signals else None
            if entity is not None and entity.value.cancel and id in self._signals:
                self._signals[id].set()
