"""What an app locks, or writes into temporary files, on a shared PostgreSQL server keeps no neighbour waiting."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from addonkit.testing.command import CommandLine

SORT = "SELECT count(*) FROM (SELECT n FROM generate_series(1, 300000) n ORDER BY md5(n::text)) sorted"
"""More than the memory of one sort."""


def url_of(addonkit: CommandLine, app: str) -> str:
    return str(json.loads(addonkit("env", "-a", app, "--format", "json", "--reveal").out)["DATABASE_URL"])


@pytest.mark.slow
async def test_locks_and_temporary_files_of_an_app_are_its_own(addonkit_command: CommandLine) -> None:
    call = addonkit_command
    for app in ("greedy", "beta"):
        created = call("create", "postgresql:shared", "-a", app)
        assert created.status == 0, created.err
    limited = call("set", "greedy-postgresql", "temp_file_limit=1MB", "lock_timeout=1s", "statement_timeout=30s")
    assert limited.status == 0, limited.err
    greedy, blocked = [await asyncpg.connect(url_of(call, "greedy"), ssl=False) for _ in range(2)]
    beta = await asyncpg.connect(url_of(call, "beta"), ssl=False, command_timeout=20)
    for connection in (greedy, beta):
        await connection.execute("CREATE TABLE things (x int)")

    holding = greedy.transaction()
    await holding.start()
    await greedy.execute("LOCK TABLE things IN ACCESS EXCLUSIVE MODE; SELECT pg_advisory_lock(1)")
    await greedy.fetch("SELECT * FROM pg_database, pg_roles")
    with pytest.raises(asyncpg.LockNotAvailableError):
        await blocked.fetch("SELECT * FROM things")  # the app itself waits as long as it has said

    await beta.execute("SELECT pg_advisory_lock(1); LOCK TABLE things; INSERT INTO things VALUES (1)")
    assert await beta.fetchval(SORT) == 300000
    for words in (
        ("create", "postgresql:shared", "-a", "gamma"),
        ("rotate", "beta-postgresql", "--no-wait"),
        ("destroy", "gamma-postgresql", "--yes", "--now"),
    ):
        done = await asyncio.to_thread(call, *words)
        assert done.status == 0, done.err

    with pytest.raises(asyncpg.ConfigurationLimitExceededError, match="temp_file_limit"):
        await greedy.fetchval(SORT)
    assert await beta.fetchval(SORT) == 300000
    for connection in (greedy, blocked, beta):
        connection.terminate()
