"""Calls an author's client in a thread of its own, for a limited time: one that hangs holds up nothing else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, Final

import attrs

from addonkit.testing.conformance.assertions import fail
from addonkit.testing.conformance.client import ConformanceClient

MOST_HANGS: Final = 3
"""Calls that may hang in one run; after them no further call is made."""

_hangs: list[str] = []

Work = tuple["asyncio.Future[Any]", Callable[[], Any]]


class Worker:
    """A thread that does one thing after the other. It ends with this process, whatever it does."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        threading.Thread(target=copy_context().run, args=(self._run,), daemon=True).start()

    async def call(self, what: str, limit: float, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function answers; fail the check when it takes longer than `limit` seconds."""
        if len(_hangs) >= MOST_HANGS:
            fail(f"{what} is not called: {', '.join(_hangs)} took too long before", "fix that first")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._work.put((future, lambda: function(*arguments)))
        done, _ = await asyncio.wait({future}, timeout=limit)
        if not done:
            _hangs.append(what)
            fail(
                f"{what} takes longer than {limit:g} s",
                "give its client a time limit and no retries, so that it raises at the first refusal",
            )
        return future.result()

    def close(self) -> None:
        """Let the thread end when its work is done."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            future, function = work
            try:
                outcome: Any = function()
                report = future.set_result
            except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
                outcome, report = error, future.set_exception
            _tell(future, report, outcome)


def _tell(future: asyncio.Future[Any], report: Callable[[Any], None], outcome: Any) -> None:
    if not future.get_loop().is_closed():
        future.get_loop().call_soon_threadsafe(lambda: None if future.done() else report(outcome))


@attrs.frozen
class Calls:
    """Calls one client, and counts the time that it takes.

    Attributes:
        client: of the author.
        spent: seconds by method, the properties of a test.
    """

    client: ConformanceClient
    spent: list[tuple[str, object]]

    async def __call__(self, method: str, *arguments: Any) -> Any:
        """Return what a method of the client answers."""
        worker = Worker()
        try:
            return await self._timed(worker, method, getattr(self.client, method), *arguments)
        finally:
            worker.close()

    @asynccontextmanager
    async def session(self, environ: Mapping[str, str]) -> AsyncIterator[Callable[[str], Any] | None]:
        """Open a session of an app; a coroutine function that asks for a key on it, None when the client has none."""
        worker, stack = Worker(), ExitStack()
        try:
            ask = await self._timed(worker, "session", stack.enter_context, self.client.session(environ))
            yield None if ask is None else lambda key: self._timed(worker, "session", ask, key)
        finally:
            await self._timed(worker, "session", _close, stack)
            worker.close()

    async def _timed(self, worker: Worker, method: str, function: Callable[..., Any], *arguments: Any) -> Any:
        began = time.monotonic()
        try:
            return await worker.call(f"ConformanceClient.{method}", self.client.limit, function, *arguments)
        finally:
            name = f"ConformanceClient.{method}"
            before = dict(self.spent).get(name, 0.0)
            assert isinstance(before, float)
            self.spent[:] = [each for each in self.spent if each[0] != name]
            self.spent.append((name, before + time.monotonic() - began))


def _close(stack: ExitStack) -> None:
    """Close a session that the service may have ended."""
    try:
        stack.close()
    except Exception:  # noqa: BLE001 - it was ended: that is what was wanted
        return
