"""Ends a server: gracefully, then less so, until nothing of its session is left."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from addonkit.compute.process.identity import Identity, boot_id, is_running, session_members
from addonkit.models.compute import Program

_LOOK_EVERY: Final = 0.02
_QUIT_LIMIT: Final = 5.0
_KILL_LIMIT: Final = 10.0


async def stop_server(server: Identity, program: Program | None) -> None:
    """Send the graceful signal, wait; SIGQUIT, wait; SIGKILL to all of the session; wait until all are gone.

    Only exactly this process is signalled, never another one that got its pid.
    """
    graceful = signal.Signals[program.stop_signal] if program else signal.SIGTERM
    for number, limit in ((graceful, program.stop_timeout if program else 30.0), (signal.SIGQUIT, _QUIT_LIMIT)):
        if not is_running(server):
            break
        with suppress(ProcessLookupError):
            os.kill(server.pid, number)
        await _gone(server, limit)
    await clear_session(server)


async def clear_session(server: Identity) -> None:
    """Kill what a server that ended has left behind of its session; children may outlive it for a moment.

    The session's number is the server's pid: members of it that run while the server does not can only be
    its children, unless the pid is in use again, which a session of that number prevents.
    """
    if (await _emptied(server, 1.0)) or _pid_in_use_again(server):
        return
    for pid in session_members(server.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await _emptied(server, _KILL_LIMIT)


def _pid_in_use_again(server: Identity) -> bool:
    return server.pid in session_members(server.pid) and not is_running(server)


async def _gone(server: Identity, limit: float) -> bool:
    return await _until(lambda: not is_running(server), limit)


async def _emptied(server: Identity, limit: float) -> bool:
    if server.boot != boot_id():
        return True
    return await _until(lambda: not session_members(server.pid), limit)


async def _until(condition: Callable[[], bool], limit: float) -> bool:
    for _ in range(max(1, round(limit / _LOOK_EVERY))):
        if condition():
            return True
        await asyncio.sleep(_LOOK_EVERY)
    return False
