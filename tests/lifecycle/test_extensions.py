"""Extensions are there when they are asked for, wherever the data go, and no others are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind

ASK = """
import asyncio, json, os, sys
import asyncpg

async def ask():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    for words in sys.argv[1:]:
        answer = await connection.fetch(words)
    print(json.dumps([list(map(str, row)) for row in answer]))

asyncio.run(ask())
"""


def asked(command: CommandLine, app: str, *words: str) -> list[list[str]]:
    done = command("run", "-a", app, "--", sys.executable, "-c", ASK, *words)
    assert done.status == 0, done.err
    rows: list[list[str]] = json.loads(done.out)
    return rows


def installed(command: CommandLine, app: str) -> set[str]:
    rows = asked(command, app, "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'")
    return {name for (name,) in rows}


def test_a_database_on_a_shared_server_has_the_extensions_that_are_allowed(addonkit_command: CommandLine) -> None:
    call = addonkit_command
    for wrong, found in (
        ("vectr", "did you mean vector?"),
        ("file_fdw", "addonkit config set postgresql allowed_extensions=..."),
        ("pg_stat_statements", "holds for the whole server"),
    ):
        refused = call("create", "postgresql:shared", "-a", "shop", "--with", wrong)
        assert (refused.status, refused.err.count("\n")) == (1, 1), refused.err
        assert found in refused.err
    created = call("create", "postgresql:shared", "-a", "shop", "--with", "vector,pg_trgm")
    assert created.status == 0, created.err
    assert installed(call, "shop") == {"vector", "pg_trgm"}
    make = ("CREATE TABLE items (e vector(3))", "INSERT INTO items VALUES ('[1,2,3]')", "SELECT e FROM items")
    assert asked(call, "shop", *make) == [["[1,2,3]"]]

    assert call("extension", "add", "postgresql", "hstore", "-a", "shop").status == 0
    needed = call("extension", "remove", "postgresql", "vector", "-a", "shop")
    assert needed.status == 1
    assert "depends on type" in needed.err
    assert "trying again" not in needed.err
    assert installed(call, "shop") == {"vector", "pg_trgm", "hstore"}, "the former ones stay"
    assert call("extension", "remove", "postgresql", "pg_trgm", "-a", "shop").status == 0
    assert call("extension", "update", "postgresql", "vector", "-a", "shop").status == 0
    listed = {e["name"]: e for e in call("extension", "list", "shop-postgresql", "--json").data["extensions"]}
    assert listed["vector"]["installed"] == listed["vector"]["available"]
    assert listed["pg_trgm"]["installed"] is None
    assert "file_fdw" not in listed

    backed_up = call("backup", "create", "shop-postgresql")
    assert backed_up.status == 0, backed_up.err
    cloned = call("clone", "shop-postgresql", "-a", "copy")
    assert cloned.status == 0, cloned.err
    restored = call("restore", "shop-postgresql")
    assert restored.status == 0, restored.err
    for app in ("shop", "copy"):
        assert installed(call, app) == {"vector", "hstore"}
        assert asked(call, app, "SELECT e FROM items") == [["[1,2,3]"]]


@pytest.mark.slow
def test_what_a_server_loads_when_it_starts_is_announced(addonkit_command: CommandLine, home: Path) -> None:
    call = addonkit_command
    assert call("create", "postgresql", "-a", "shop").status == 0

    refused = call("extension", "add", "shop-postgresql", "pg_stat_statements")
    assert refused.status == 1
    assert "add --yes" in refused.err
    added = call("extension", "add", "shop-postgresql", "pg_stat_statements", "--yes")
    assert added.status == 0, added.err
    assert "its server was restarted" in added.out
    assert asked(call, "shop", "SELECT count(*) > 0 FROM pg_stat_statements") == [["True"]]
    absent = call("extension", "add", "shop-postgresql", "postgis")
    assert absent.status == 1
    assert "is not available" in absent.err
    assert installed(call, "shop") == {"pg_stat_statements"}
    assert call("stop", "shop-postgresql").status == 0
    assert call("extension", "update", "shop-postgresql", "hstore").status == 1
    assert call("list", "--json").data["instances"][0]["server"]["state"] == "stopped", (
        "also when what it was started for has failed"
    )
    assert call("start", "shop-postgresql").status == 0

    assert call("config", "set", "postgresql", "allowed_extensions=citext").status == 0
    assert "cannot have hstore: it is not allowed" in call("extension", "add", "shop-postgresql", "hstore").err
    assert call("destroy", "shop-postgresql", "--yes", "--now").status == 0
    assert left_behind(home) == ()
