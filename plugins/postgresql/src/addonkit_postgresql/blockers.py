"""Ends sessions that make the administrator wait for a lock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg

    from addonkit_postgresql.session import Administrator

PATIENCE: Final = 1.0
"""Seconds that others have to end their transactions by themselves."""

_LOOK: Final = 0.2
"""Seconds between two looks."""

_END_BLOCKERS: Final = """
    SELECT pg_terminate_backend(a.pid)
    FROM unnest(pg_blocking_pids($1)) AS blocking (pid) JOIN pg_stat_activity a ON a.pid = blocking.pid
    WHERE a.backend_type = 'client backend' AND a.usesysid <> 10
"""
"""The superuser of initdb has the OID 10: its sessions are addonkit's own, and end by themselves."""


@asynccontextmanager
async def unblocked(admin: Administrator, connection: asyncpg.Connection) -> AsyncIterator[None]:
    """End the sessions that block this connection for longer than `PATIENCE` while the block lasts."""
    watching = asyncio.create_task(_watch(admin, connection.get_server_pid()))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})
        if not watching.cancelled():
            watching.exception()  # it could not look: the statement itself says what is wrong


async def _watch(admin: Administrator, pid: int) -> None:
    await asyncio.sleep(PATIENCE)
    async with admin.session() as watcher:
        while True:
            await watcher.execute(_END_BLOCKERS, pid)
            await asyncio.sleep(_LOOK)
