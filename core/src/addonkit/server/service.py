"""Answers over HTTP for as long as a home is served."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiohttp import web

from addonkit.server.app import Api
from addonkit.server.connections import Connections
from addonkit.server.listeners import SOCKET, Listening, check_passed, home_socket, passed_sockets
from addonkit.server.metrics import Metrics
from addonkit.server.runner import OperationRunner
from addonkit.util.concurrency import end

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit

TRY_EVERY: Final = 1.0
"""Seconds between looks whether the process that answers on the socket of the home has ended."""

FAREWELL: Final = 5.0
"""Seconds that requests have to end when the service stops."""

LINE_MOST: Final = 32_768
"""Bytes of a request line: longer ones are answered by the HTTP library, in plain text."""

IDLE: Final = 75.0
"""Seconds that a connection without requests is kept."""


class HttpService:
    """The API on all its sockets.

    Args:
        kit: what is asked.
        runner: carries out operations.
        metrics: numbers.
        listening: where to answer over TCP.
        report: called with each address, a sentence.
    """

    def __init__(
        self,
        kit: Kit,
        runner: OperationRunner,
        metrics: Metrics,
        listening: Listening,
        report: Callable[[str], None],
    ) -> None:
        self._kit = kit
        self._operations = runner
        self._listening = listening
        self._report = report
        self._tls: ssl.SSLContext | None = None
        self._connections = {unix: Connections() for unix in (True, False)}
        """By whether they are of this machine: those that come over a network leave room for commands."""
        self._accepting: list[asyncio.Task[None]] = []
        application = Api(kit, runner, metrics, listening.names, [*self._connections.values()]).application()
        self._runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=IDLE,
            shutdown_timeout=FAREWELL,
            max_line_size=LINE_MOST,
        )

    def reload(self) -> None:
        """Read the certificate anew, for connections from now on.

        Raises:
            InvalidInput: it cannot be used; the former one still is.
        """
        if self._tls is not None:
            self._listening.tls()  # a file that cannot be used changes nothing
            self._listening.load(self._tls)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer while the block lasts.

        Raises:
            InvalidInput: an address or certificate cannot be used.
        """
        self._tls, tcp, passed = self._listening.tls(), self._listening.bind(), passed_sockets()
        await self._runner.setup()
        tried = asyncio.Event()
        waiting = asyncio.create_task(self._answer_at_home(tried))
        try:
            await _either(waiting, tried)
            await self._operations.resume()
            self._operations.keep()
            if tcp is not None:
                self._answer(tcp, self._tls)
            for each in passed:
                check_passed(each, self._listening)
                self._answer(each, self._tls)
            yield
        finally:
            await end(*self._accepting)
            await self._runner.cleanup()  # before its sockets are closed
            await end(waiting)
            await self._operations.close()
            for found in filter(None, (tcp, *passed)):
                found.close()

    async def _answer_until_cancelled(self, found: socket.socket, tried: asyncio.Event) -> None:
        accepting = self._accept(found, None)
        try:
            self._report(f"answering on unix:{self._kit.home / SOCKET}")
            await self._operations.resume()
            tried.set()
            await asyncio.Event().wait()
        finally:
            await end(accepting)

    def _accept(self, found: socket.socket, tls: ssl.SSLContext | None) -> asyncio.Task[None]:
        server = self._runner.server
        assert server is not None, "it is set up"
        connections = self._connections[found.family == socket.AF_UNIX]
        task = asyncio.create_task(connections.accept(found, tls, server))
        self._accepting.append(task)
        return task

    def _answer(self, found: socket.socket, tls: ssl.SSLContext | None) -> None:
        unix = found.family == socket.AF_UNIX
        _task = self._accept(found, None if unix else tls)
        name = found.getsockname()
        where = f"unix:{name}" if unix else f"http{'s' if tls else ''}://{_shown(name)}"
        self._report(f"answering on {where}")

    async def _answer_at_home(self, tried: asyncio.Event) -> None:
        """Answer on the socket of the home, as soon as no other process does."""
        while True:
            with home_socket(self._kit.home) as found:
                if found is not None:
                    await self._answer_until_cancelled(found, tried)
            tried.set()
            await asyncio.sleep(TRY_EVERY)


async def _either(task: asyncio.Task[None], event: asyncio.Event) -> None:
    """Wait for the event, or for the failure of the task."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if task.done():
        task.result()


def _shown(name: tuple[object, ...]) -> str:
    host = f"[{name[0]}]" if ":" in str(name[0]) else name[0]
    return f"{host}:{name[1]}"


@asynccontextmanager
async def serving(
    kit: Kit, runner: OperationRunner, metrics: Metrics, listening: Listening, report: Callable[[str], None]
) -> AsyncIterator[HttpService]:
    """Answer over HTTP while the block lasts; see HttpService."""
    service = HttpService(kit, runner, metrics, listening, report)
    async with metrics.measuring(), service.serving():
        yield service
