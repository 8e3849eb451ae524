"""An app that takes the locks of a shared PostgreSQL server is told, and a restart ends that."""

from __future__ import annotations

import json

import asyncpg
import pytest

from addonkit.testing.command import CommandLine

MOST = "SELECT count(pg_advisory_lock(n)) FROM generate_series(1, 20000) n"
ALL = "SELECT count(pg_advisory_lock(n)) FROM generate_series(1, 200000) n"


def url_of(addonkit: CommandLine, app: str) -> str:
    return str(json.loads(addonkit("env", "-a", app, "--format", "json", "--reveal").out)["DATABASE_URL"])


async def connected(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url, ssl=False, timeout=5)


@pytest.mark.slow
async def test_who_holds_most_locks_is_told_and_who_takes_all_is_ended_with_the_server(
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
    told = addonkit_command("doctor", "--json").data["findings"]
    assert [each["kind"] for each in told] == ["server-hung"]
    assert addonkit_command("doctor", "--fix", "--yes").status == 0
    greedy.terminate()
    await (await connected(beta)).close()
