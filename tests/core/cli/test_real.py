"""The installed command with a real PostgreSQL, on a home of its own: a whole life."""

from __future__ import annotations

import json
import sys

import pytest

from addonkit.testing.home import kill_servers, left_behind

QUERY = """
import asyncio, asyncpg, os, sys
async def main():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    for statement in sys.argv[1:-1]:
        await connection.execute(statement)
    print(await connection.fetchval(sys.argv[-1]))
asyncio.run(main())
"""


@pytest.mark.slow
def test_a_whole_life(addonkit, home):
    created = addonkit("create", "postgresql:small", "-a", "shop", "-v")
    assert "new app shop receives DATABASE_URL, PGHOST" in created.stdout
    assert created.stderr.splitlines()[-1] == "  3/3 put the variables together ... done"
    assert {line.rsplit(" ", 1)[1] for line in created.stderr.splitlines()} == {"done", "...", "bind:"}

    listed = json.loads(addonkit("list", "--json").stdout)["instances"]
    assert [(i["name"], i["phase"], i["server"]["state"]) for i in listed] == [("shop-postgresql", "active", "running")]

    revealed = json.loads(addonkit("env", "-a", "shop", "--format", "json", "--reveal").stdout)
    of_shop = ("-a", "shop")
    reading = (
        ("env", *of_shop), ("env", *of_shop, "--json"), ("show", "postgresql", *of_shop, "--json"),
        ("logs", "postgresql", *of_shop), ("saga", "list", "--json"),
    )  # fmt: skip
    for argv in reading:
        assert revealed["PGPASSWORD"] not in addonkit(*argv).stdout

    run = ("run", "-a", "shop", "--", sys.executable, "-c", QUERY)
    assert addonkit(*run, "CREATE TABLE t (x int)", "INSERT INTO t VALUES (7)", "SELECT x FROM t").stdout == "7\n"

    kill_servers(home)
    assert addonkit(*run, "SELECT x FROM t").stdout == "7\n"

    addonkit("destroy", "postgresql", "-a", "shop", status=1)
    assert addonkit(*run, "SELECT x FROM t").stdout == "7\n"
    assert (
        addonkit("destroy", "postgresql", "-a", "shop", "--now", "--yes").stdout
        == "shop-postgresql and its data are gone\n"
    )
    assert left_behind(home) == ()
    assert addonkit("doctor").stdout == "no problems found\n"
    assert "there is no app 'shop'" in addonkit("env", "-a", "shop", status=1).stderr


def test_work_that_was_only_recorded_is_carried_out_by_run(addonkit):
    assert "carries it out" in addonkit("create", "postgresql", "-a", "shop", "--no-wait").stdout
    asked = ("run", "-a", "shop", "--", sys.executable, "-c", QUERY, "SELECT 5")
    assert addonkit(*asked).stdout == "5\n"
    addonkit("destroy", "shop-postgresql", "--now", "--yes")


@pytest.mark.parametrize("argv", [("list",), ("create", "postgresql", "-a", "shop"), ("doctor",)])
def test_a_home_that_cannot_be_used_is_one_line(addonkit, home, argv):
    (home / "file").write_text("")
    refused = addonkit(*argv, "--home", str(home / "file" / "below"), status=1)
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stderr.startswith(f"error: cannot use {home}/file/below as home: ")
    shown = json.loads(addonkit(*argv, "--json", "--home", str(home / "file" / "below"), status=1).stdout)
    assert shown["error"]["kind"] == "StoreUnavailable"
