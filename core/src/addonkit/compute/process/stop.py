"""Ends a server: gracefully, then less so, until nothing of its session is left."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from addonkit.compute.process.disk_lock import is_held
from addonkit.compute.process.identity import Identity, is_running, send, session_members
from addonkit.compute.process.open_files import having_open, read_open_files, working_in, working_in_removed
from addonkit.compute.process.user import ServiceUser
from addonkit.models.compute import Program
from addonkit.util.procfs import read_status
from addonkit.util.values import frozen

_FIRST_LOOK: Final = 0.002
_LOOK_EVERY: Final = 0.02
"""Seconds between two looks, at first and at most."""
_AT_ONCE: Final = 1.0
"""Seconds in which a server mostly ends."""
_QUIT_LIMIT: Final = 5.0
_GRACE: Final = 1.0
"""Seconds that children have to follow a server that has ended."""
_KILL_LIMIT: Final = 10.0
_ORPHANS_LIMIT: Final = 5.0


@frozen
class Terminator:
    """Ends servers of one home.

    Attributes:
        home: where everything of theirs is.
        user: whom they run as; None for ourselves.
    """

    home: Path
    user: ServiceUser | None

    async def stop(self, server: Identity, program: Program | None, locks: Sequence[Path] = ()) -> None:
        """Send the graceful signal, wait; SIGQUIT, wait; SIGKILL to all of the session; wait until all are gone.

        Only exactly this process is signalled, never another one that got its pid. What a signal has stopped
        continues, so that it can end gracefully.
        """
        graceful = signal.Signals[program.stop_signal] if program else signal.SIGTERM
        patience = program.stop_timeout if program else 30.0
        for number, limit in ((graceful, patience), (signal.SIGQUIT, min(patience, _QUIT_LIMIT))):
            send(server, number)
            status = read_status(server.pid)
            at_once = 0.0 if status is not None and status.stopped else min(_AT_ONCE, limit)
            if await _until(lambda: not is_running(server), at_once):
                break
            await asyncio.to_thread(self._continue, server, locks)
            if await _until(lambda: not is_running(server), limit - at_once):
                break
        await self.clear(server, grace=0.0 if is_running(server) else _GRACE)

    def _continue(self, server: Identity, locks: Sequence[Path]) -> None:
        """Let all of a server go on: children in sessions of their own, as PostgreSQL's are, hold its locks too."""
        for pid in {*self.leftovers(server), *self._holders(locks)}:
            status = read_status(pid)
            if status is not None and status.stopped:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGCONT)

    async def clear(self, server: Identity, grace: float = _GRACE) -> None:
        """Kill what is left of a server's session, after `grace` seconds in which it may end by itself."""
        if await _until(lambda: not self.leftovers(server), grace):
            return
        for pid in self.leftovers(server):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await _until(lambda: not self.leftovers(server), _KILL_LIMIT)

    async def free(self, locks: Sequence[Path], grace: float) -> bool:
        """Kill what still holds the locks of an ended server's disks: all that it started, in whatever session.

        Only processes that are seen here and run as the server's user are killed.

        Returns:
            Whether the locks are free.
        """
        if await _until(lambda: not _any_held(locks), grace):
            return True
        seen = await asyncio.to_thread(self._holders, locks)
        await asyncio.sleep(_LOOK_EVERY)
        # Another command that looks at the lock has it open for a moment; a process left behind keeps it open.
        for pid in seen & await asyncio.to_thread(self._holders, locks):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return await _until(lambda: not _any_held(locks), _KILL_LIMIT if seen else 0.0)

    async def end_removed(self, name: str) -> None:
        """End what works in directories of a pool or disk that were removed: it serves data that no one can keep."""
        for number, limit in ((signal.SIGQUIT, _QUIT_LIMIT), (signal.SIGKILL, _KILL_LIMIT)):
            for pid in working_in_removed(self.home).get(name, ()):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            if await _until(lambda: name not in working_in_removed(self.home), limit):
                return

    def _holders(self, locks: Sequence[Path]) -> set[int]:
        found = {pid for lock in locks for pid in having_open(lock, self.user)} - {os.getpid()}
        return {pid for pid in found if self.user is None or _uid(pid) == self.user.uid}

    def leftovers(self, server: Identity) -> tuple[int, ...]:
        """Return pids of the server and of what it started, as far as they still run.

        The number of the session is the server's pid. The system gives it to no other process while any is in the
        session. Later it may: then its new bearer, or those that it left behind, show nothing of ours.
        """
        if not server.judged_here:
            return ()
        leader = read_status(server.pid)
        if leader is not None:
            return session_members(server.pid) if leader.started == server.started else ()
        home = self.home.resolve()
        return tuple(
            pid for pid, seen in read_open_files(session_members(server.pid), self.user).items() if seen.touches(home)
        )


async def workers_of(disk: Path, user: ServiceUser | None) -> tuple[int, ...]:
    """Return pids of processes that work on a disk, and go on working on it.

    A killed server's children may have sessions of their own, as PostgreSQL's do: they end by themselves once
    they notice, so they are given a few seconds.
    """
    for _ in range(round(_ORPHANS_LIMIT / _LOOK_EVERY)):
        if not await asyncio.to_thread(working_in, disk, user):
            return ()
        await asyncio.sleep(_LOOK_EVERY)
    return await asyncio.to_thread(working_in, disk, user)


def _any_held(locks: Sequence[Path]) -> bool:
    return any(is_held(lock) for lock in locks)


def _uid(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116 - a path that is gone any moment
    except OSError:
        return None


async def _until(condition: Callable[[], bool], limit: float) -> bool:
    """Wait until it holds, for so many seconds at most; look often at first."""
    ending, pause = time.monotonic() + limit, _FIRST_LOOK
    while not condition():
        if time.monotonic() >= ending:
            return False
        await asyncio.sleep(pause)
        pause = min(_LOOK_EVERY, pause * 1.5)
    return True
