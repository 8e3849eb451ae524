"""An app that takes all locks of a shared PostgreSQL server is named, and stops its neighbours for seconds only."""

from __future__ import annotations

import json
from time import monotonic, sleep

import asyncpg
import pytest

from addonkit.testing.command import CommandLine

LIMIT = 90.0
MOST = "SELECT count(pg_advisory_lock(n)) FROM generate_series(1, 20000) n"
ALL = "SELECT count(pg_advisory_lock(n)) FROM generate_series(1, 200000) n"


def url_of(addonkit: CommandLine, app: str) -> str:
    return str(json.loads(addonkit("env", "-a", app, "--format", "json", "--reveal").out)["DATABASE_URL"])


async def connected(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url, ssl=False, timeout=5)


@pytest.mark.slow
async def test_who_holds_most_locks_is_told_and_who_takes_all_ends_with_the_server(
    addonkit_command: CommandLine,
) -> None:
    for app in ("hog", "beta"):
        addonkit_command("create", "postgresql:shared", "-a", app)
    hog, beta = url_of(addonkit_command, "hog"), url_of(addonkit_command, "beta")
    greedy = await connected(hog)
    assert await greedy.fetchval(MOST) == 20000

    told = addonkit_command("doctor", "--json").data["findings"]
    assert [(each["kind"], each["subject"]) for each in told] == [("hogged-server", "hog-postgresql")]
    assert "of the locks" in told[0]["problem"]
    assert addonkit_command("doctor", "--fix", "--yes").status == 0
    assert not addonkit_command("doctor", "--json").data["findings"]

    greedy = await connected(hog)
    with pytest.raises(asyncpg.OutOfMemoryError):
        await greedy.execute(ALL)
    with pytest.raises(asyncpg.OutOfMemoryError):
        await connected(beta)
    service = addonkit_command.start("serve")
    try:
        assert await lets_in(beta)
    finally:
        service.terminate()
        service.communicate(timeout=LIMIT)


async def lets_in(url: str) -> bool:
    deadline = monotonic() + LIMIT
    while monotonic() < deadline:
        try:
            await (await connected(url)).close()
        except (OSError, TimeoutError, asyncpg.PostgresError):
            sleep(0.5)  # noqa: ASYNC251 - there is nothing else to do
        else:
            return True
    return False
