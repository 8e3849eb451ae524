"""A server that an operator has set up for replication and prepared transactions, with a short queue of notifications."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import asyncpg
import pytest

from addonkit_postgresql import server as program
from addonkit_postgresql.hogs import find_hogs
from addonkit_postgresql.removal import remove
from addonkit_postgresql.session import Administrator
from app_sessions import give, logged_in

LIMIT = 60
"""Seconds: far more than a removal takes."""

SETTINGS = ("wal_level=logical", "max_prepared_transactions=5")
QUEUE = "max_notify_queue_pages=64"
"""The shortest: half a megabyte."""


@pytest.fixture(scope="module")
def operated(running_server: Callable[[str], AbstractContextManager[Administrator]]) -> Iterator[Administrator]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "_SETTINGS", (*program._SETTINGS, *SETTINGS))
        patch.setattr(program, "QUEUE_SETTING", QUEUE)
        with running_server("18") as server:
            yield server


async def test_slots_and_prepared_transactions_do_not_keep_an_app(operated: Administrator) -> None:
    await give(operated, "shop")
    async with operated.session("shop", patient=False) as reader:
        await reader.execute("SELECT pg_create_logical_replication_slot('idle', 'pgoutput')")
        await reader.execute("SELECT pg_create_logical_replication_slot('busy', 'pgoutput', true)")
        async with logged_in(operated, "shop") as connection:
            await connection.execute("BEGIN; CREATE TABLE t (n int); PREPARE TRANSACTION 'left'")

        await asyncio.wait_for(remove(operated, "shop", "shop"), LIMIT)

    async with operated.session() as server:
        assert await server.fetchval("SELECT count(*) FROM pg_database WHERE datname = 'shop'") == 0
        assert await server.fetchval("SELECT count(*) FROM pg_replication_slots") == 0


@pytest.mark.slow
async def test_who_holds_the_queue_of_notifications_is_found(operated: Administrator) -> None:
    for name in ("hog", "calm"):
        await give(operated, name)
    async with logged_in(operated, "hog") as hog, logged_in(operated, "calm") as calm:
        await hog.execute("LISTEN slow")
        await hog.execute("BEGIN; SELECT 1")
        assert await find_hogs(operated) == {}
        for number in range(50):
            await calm.execute(f"NOTIFY slow, '{number:07000}'")

        found = await find_hogs(operated)
        assert list(found) == ["hog"]
        assert found["hog"].endswith("% of the queue of notifications")

        with pytest.raises(asyncpg.PostgresError):
            for number in range(100):
                await calm.execute(f"NOTIFY slow, '{number:07000}'")
        assert "hog" in await find_hogs(operated)
