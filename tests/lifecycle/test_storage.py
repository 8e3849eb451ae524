"""A disk that is nearly full takes no more: apps read and delete, and write again when there is room."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from valkey import Valkey
from valkey.exceptions import ResponseError

import addonkit
from addonkit.kit import storage
from addonkit.models.storage import StorageUse
from addonkit.testing.command import CommandLine


def full(monkeypatch: pytest.MonkeyPatch, used: int, percent: int) -> None:
    """Let every disk be that full."""
    monkeypatch.setattr(storage, "limit_of", lambda _server: used * 100 // percent)


async def test_apps_of_a_full_disk_read_and_delete(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    async with addonkit.open(home) as kit:
        database = (await kit.create("postgresql:small", "shop")).environ()["DATABASE_URL"]
        store = Valkey.from_url((await kit.create("valkey:small", "shop")).environ()["VALKEY_URL"])
        before = await asyncpg.connect(database)
        await before.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2)")
        store.set("kept", "1")
        least = min(each.used for each in await kit.storage.measure())
        assert least > 0
        full(monkeypatch, least, 96)
        await kit.storage.check_once(said.append)
        await kit.storage.check_once(said.append)

        assert len(said) == 2, "each is told once"
        assert all("the disk is full" in each for each in said)
        assert before.is_closed() or await _has_ended(before)
        now = await asyncpg.connect(database)
        assert await now.fetchval("SELECT count(*) FROM t") == 2
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await now.execute("INSERT INTO t VALUES (3)")
        await now.execute("BEGIN READ WRITE; DELETE FROM t WHERE n = 2; COMMIT")
        await now.execute("BEGIN READ WRITE; ALTER DATABASE shop RESET default_transaction_read_only; COMMIT")
        await kit.storage.check_once(said.append)
        await now.close()
        again = await asyncpg.connect(database)
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await again.execute("INSERT INTO t VALUES (3)")
        assert store.get("kept") == b"1"
        with pytest.raises(ResponseError, match="maxmemory"):
            store.set("more", "1")
        assert store.delete("kept") == 1
        view = await kit.show("shop-postgresql")
        assert view.storage is not None
        assert view.storage.denied
        await again.close()

        monkeypatch.undo()
        await kit.storage.check_once(said.append)
        assert "room again" in said[-1]
        assert store.set("more", "1")
        written = await asyncpg.connect(database)
        await written.execute("INSERT INTO t VALUES (3)")
        await written.close()
        store.close()
        for name in ("shop-postgresql", "shop-valkey"):
            await kit.destroy(name, now=True)


def test_how_full_a_disk_is_can_be_seen(addonkit_command: CommandLine) -> None:
    call = addonkit_command
    assert call("create", "valkey", "-a", "shop").status == 0

    listed = call("list", "--size")
    assert "of 1.0 GiB," in listed.out, listed.err
    assert "of 1.0 GiB," in call("show", "shop-valkey").out
    assert call("set", "shop-valkey", "storage=5Gi").status == 0
    assert "of 5.0 GiB," in call("list", "--size").out


def test_people_are_warned_before_a_disk_is_full() -> None:
    assert not StorageUse("x", 79, 100).is_low
    assert StorageUse("x", 80, 100).is_low
    assert StorageUse("x", 0, 0).percent == 0


async def _has_ended(connection: asyncpg.Connection) -> bool:
    try:
        await connection.fetchval("SELECT 1")
    except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError):
        return True
    return False
