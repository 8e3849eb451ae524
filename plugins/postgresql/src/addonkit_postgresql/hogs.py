"""Finds tenants that use up what all tenants of a server share: its table of locks, its queue of notifications.

PostgreSQL bounds neither for a role. Once the table is full no session can begin, not even the superuser's: only a
restart of the server helps then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from addonkit_postgresql.session import Administrator

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg

SHARE: Final = 0.5
"""Of what is shared, from which on one tenant has too much; below it PostgreSQL does not tell who holds the queue."""

QUEUE_PAGES: Final = 32_768
"""Longest queue of notifications, 256 MB. PostgreSQL's own limit, 8 GB, would fill the disk of all."""

QUEUE_SETTING: Final = f"max_notify_queue_pages={QUEUE_PAGES}"
FIRST_WITH_QUEUE_SETTING: Final = 17

_LOCKS: Final = """
    SELECT s.datname AS tenant, count(*) / (
        current_setting('max_locks_per_transaction')::real * current_setting('max_connections')::real
    ) AS share
    FROM pg_locks l JOIN pg_stat_activity s USING (pid) WHERE NOT l.fastpath AND s.datname IS NOT NULL GROUP BY 1
"""
"""The table has a little more room than that: a share may be above 1."""

_TENANT_OF: Final = "SELECT datname FROM pg_stat_activity WHERE pid = $1"

_WARNED_EVERY: Final = 5.5
"""Seconds between two warnings of a server about its queue, and a bit."""

_ASKED: Final = 4
"""Times to ask for a warning: other sessions may get it."""


async def find_hogs(server: Administrator) -> dict[str, str]:
    """Return what each tenant holds that has more than half of something, by its name."""
    async with server.session() as connection:
        rows = await connection.fetch(_LOCKS)
        held = {row["tenant"]: f"{_percent(row['share'])} of the locks" for row in rows if row["share"] > SHARE}
        used = await connection.fetchval("SELECT pg_notification_queue_usage()")
        if used > SHARE and (listener := await _slowest_listener(connection)):
            held.setdefault(listener, f"{_percent(used)} of the queue of notifications")
    return held


async def _slowest_listener(connection: asyncpg.Connection) -> str | None:
    """Let the server warn this session, as it warns each that notifies: the process that reads last is named in it."""
    pids: list[int] = []
    connection.add_log_listener(lambda _connection, message: pids.extend(_pid_in(message.as_dict())))
    for _ in range(_ASKED):
        await _notify(connection)
        if pids:
            tenant: str | None = await connection.fetchval(_TENANT_OF, pids[0])
            return tenant
        await asyncio.sleep(_WARNED_EVERY)
    return None


async def _notify(connection: asyncpg.Connection) -> None:
    """Notify without a payload. A full queue refuses that after it has warned."""
    import asyncpg

    try:
        await connection.execute("NOTIFY addonkit")
    except (asyncpg.ObjectNotInPrerequisiteStateError, asyncpg.ProgramLimitExceededError):
        return


def _pid_in(message: Mapping[str, str]) -> list[int]:
    return [int(word) for word in message.get("detail", "").split() if word.isdecimal()][:1]


def _percent(share: float) -> str:
    return f"{min(share, 1):.0%}"
