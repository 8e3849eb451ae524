"""Ends a server: gracefully, then less so, until nothing of its session is left."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from addonkit.compute.process.identity import Identity, boot_id, is_running, read_status, send, session_members
from addonkit.compute.process.open_files import read_open_files, working_in
from addonkit.compute.process.user import ServiceUser
from addonkit.models.compute import Program

_LOOK_EVERY: Final = 0.02
_QUIT_LIMIT: Final = 5.0
_GRACE: Final = 1.0
"""Seconds that children have to follow a server that has ended."""
_KILL_LIMIT: Final = 10.0
_ORPHANS_LIMIT: Final = 5.0


@attrs.frozen
class Terminator:
    """Ends servers of one home.

    Attributes:
        home: where everything of theirs is.
        user: whom they run as; None for ourselves.
    """

    home: Path
    user: ServiceUser | None

    async def stop(self, server: Identity, program: Program | None) -> None:
        """Send the graceful signal, wait; SIGQUIT, wait; SIGKILL to all of the session; wait until all are gone.

        Only exactly this process is signalled, never another one that got its pid.
        """
        graceful = signal.Signals[program.stop_signal] if program else signal.SIGTERM
        for number, limit in ((graceful, program.stop_timeout if program else 30.0), (signal.SIGQUIT, _QUIT_LIMIT)):
            send(server, number)
            if await _until(lambda: not is_running(server), limit):
                break
        await self.clear(server, grace=0.0 if is_running(server) else _GRACE)

    async def clear(self, server: Identity, grace: float = _GRACE) -> None:
        """Kill what is left of a server's session, after `grace` seconds in which it may end by itself."""
        if await _until(lambda: not self.leftovers(server), grace):
            return
        for pid in self.leftovers(server):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await _until(lambda: not self.leftovers(server), _KILL_LIMIT)

    def leftovers(self, server: Identity) -> tuple[int, ...]:
        """Pids of the server and of what it started, as far as they still run.

        The number of the session is the server's pid, which is not given away as long as anybody is in the
        session. Once all are gone it may be: then its new bearer, or those that it left behind, show
        nothing of ours.
        """
        if server.boot != boot_id():
            return ()
        leader = read_status(server.pid)
        if leader is not None:
            return session_members(server.pid) if leader.started == server.started else ()
        home = self.home.resolve()
        return tuple(
            pid for pid, seen in read_open_files(session_members(server.pid), self.user).items() if seen.touches(home)
        )


async def workers_of(disk: Path, user: ServiceUser | None) -> tuple[int, ...]:
    """Pids of processes that work on a disk, and go on working on it.

    A killed server's children may have sessions of their own, as PostgreSQL's do: they end by themselves once
    they notice, so they are given a few seconds.
    """
    for _ in range(round(_ORPHANS_LIMIT / _LOOK_EVERY)):
        if not await asyncio.to_thread(working_in, disk, user):
            return ()
        await asyncio.sleep(_LOOK_EVERY)
    return await asyncio.to_thread(working_in, disk, user)


async def _until(condition: Callable[[], bool], limit: float) -> bool:
    for _ in range(max(1, round(limit / _LOOK_EVERY))):
        if condition():
            return True
        await asyncio.sleep(_LOOK_EVERY)
    return condition()
