"""Tells the executions that this process runs when one is asked to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from addonkit.errors import AddonkitError
from addonkit.models.execution import CancelRequest, Execution

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from addonkit.store.interface import Change, Store, Transaction

T = TypeVar("T")

_log = logging.getLogger(__name__)

PATIENCE: Final = 0.5
"""Seconds that executions run until requests to stop are looked for: most executions are over by then."""


def request_cancellation(tx: Transaction, id: str) -> None:
    """Wake the process that runs the execution, in the transaction that asks it to stop."""
    if tx.get(CancelRequest, id) is None:
        tx.create(id, CancelRequest(id))


def forget_cancellation(tx: Transaction, id: str) -> None:
    """Remove the request of an execution that begins or is forgotten."""
    tx.delete(CancelRequest, id)


class Stopped(Exception):
    """Leaves the step of an execution that was asked to stop."""


class StopSignal:
    """Cancels the step that runs when its execution is asked to stop."""

    def __init__(self) -> None:
        self._is_set = False
        self._task: asyncio.Task[Any] | None = None

    def set(self) -> None:
        """Ask to stop."""
        if not self._is_set and self._task is not None:
            self._task.cancel()
        self._is_set = True

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what the work gives. It runs in this task: another one would cost each step turns of the loop.

        Raises:
            Stopped: it was cancelled, because the execution was asked to stop before it had ended.
        """
        if self._is_set:
            work.close()
            raise Stopped
        self._task = task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        try:
            return await work
        except asyncio.CancelledError:
            if self._is_set and task.cancelling() <= before + 1:  # no other code has cancelled this task
                raise Stopped from None
            raise
        finally:
            self._task = None
            if self._is_set:
                task.uncancel()


class CancellationWatch:
    """Watches for requests to stop, once for all executions of this process.

    Args:
        store: where requests are written. While it fails, an execution notices a request between two steps.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._signals: dict[str, StopSignal] = {}
        self._watchers = 0
        self._begins: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watching(self, id: str, signal: StopSignal) -> AsyncIterator[None]:
        """Watch for the length of the block; `connect` says from when on the execution's requests set the signal."""
        self._watchers += 1
        if self._begins is None or (self._task is not None and self._task.done()):
            # What is written from now on is found, however late the first look is.
            changes = self._store.watch(CancelRequest)
            self._begins = asyncio.get_running_loop().call_later(PATIENCE, self._begin, changes)
        try:
            yield
        finally:
            self._watchers -= 1
            if self._signals.get(id) is signal:
                del self._signals[id]
            await self._rest()

    def connect(self, id: str, signal: StopSignal) -> None:
        """Set the signal at requests that are written from now on. Called in the transaction that takes the lease."""
        self._signals[id] = signal

    def _begin(self, changes: AsyncGenerator[Change, None]) -> None:
        self._task = asyncio.create_task(self._run(changes))

    async def _rest(self) -> None:
        """Stop watching when no execution runs."""
        if self._watchers or self._begins is None:
            return
        self._begins.cancel()
        task, self._task, self._begins = self._task, None, None
        if task is not None:
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
            signal = self._signals.get(id)
            entity = await self._store.get(Execution, id) if signal is not None else None
            if signal is not None and entity is not None and entity.value.cancel:
                signal.set()
