from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.resources import files

import pytest

from addonkit.errors import StoreTooNew
from addonkit.store import migrate
from addonkit.testing.store import create
from addonkit.testing.store_values import Note

NOW = migrate.SCHEMA_VERSION


def run(path, statement):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def test_schema_files_are_numbered_without_a_gap():
    names = sorted(each.name for each in (files("addonkit.store") / "schema").iterdir() if each.name.endswith(".sql"))

    assert [int(name[:4]) for name in names] == list(range(1, migrate.SCHEMA_VERSION + 1))


def test_every_schema_file_ends_with_a_whole_statement():
    for each in (files("addonkit.store") / "schema").iterdir():
        statements = [line for line in each.read_text("utf-8").splitlines() if line.strip()]
        assert statements[-1].rstrip().endswith(";"), each.name


async def test_a_new_file_has_the_newest_schema_and_our_mark(path, opened):
    await (await opened()).close()

    assert run(path, "PRAGMA user_version") == [(NOW,)]
    assert run(path, "PRAGMA application_id") == [(migrate.APPLICATION_ID,)]
    assert path.read_bytes()[68:72] == b"adkt"
    assert run(path, "PRAGMA journal_mode") == [("wal",)]


async def test_commits_are_durable(opened):
    store = await opened()

    assert await store._writer.run("ask", lambda c: c.execute("PRAGMA synchronous").fetchone()) == (2,)  # FULL
    await store.close()


async def test_a_newer_file_is_refused_and_not_touched(path, opened):
    await (await opened()).close()
    run(path, f"PRAGMA user_version = {NOW + 1}")
    before = path.read_bytes()

    with pytest.raises(
        StoreTooNew, match=rf"newer addonkit wrote it \(schema {NOW + 1}, this one knows {NOW}\)"
    ) as caught:
        await opened()

    assert caught.value.details == {"schema": NOW + 1, "known": NOW}
    assert path.read_bytes() == before


async def test_a_newer_file_whose_log_waits_to_be_merged_is_not_touched(home, path, opened):
    """The newer addonkit was killed: its last commits stand in the log alone."""
    await (await opened()).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as newer:
        newer.execute(f"PRAGMA user_version = {NOW + 1}")
        left = {name: (home / name).read_bytes() for name in ("state.db", "state.db-wal")}
    for name, content in left.items():
        (home / name).write_bytes(content)

    with pytest.raises(StoreTooNew):
        await opened()

    assert {name: (home / name).read_bytes() for name in left} == left


async def test_an_open_store_stops_when_a_newer_addonkit_takes_the_file_over(path, opened):
    store = await opened()
    await create(store, "a", Note())
    run(path, f"PRAGMA user_version = {NOW + 1}")

    for use in (create(store, "b", Note()), store.get(Note, "a")):
        with pytest.raises(StoreTooNew):
            await use
    await store.close()
    assert run(path, "SELECT name FROM entity") == [("a",)]


async def test_an_older_file_is_brought_forward(path, opened, monkeypatch):
    store = await opened()
    made = await create(store, "a", Note("kept"))
    await store.close()

    statements = migrate._statements
    monkeypatch.setattr(migrate, "SCHEMA_VERSION", NOW + 1)
    monkeypatch.setattr(migrate, "_statements", lambda version: [*statements(version), "CREATE TABLE later (a)"])
    store = await opened()

    assert await store.get(Note, "a") == made
    await store.close()
    assert run(path, "PRAGMA user_version") == [(NOW + 1,)]
    assert run(path, "SELECT * FROM later") == []


async def test_a_step_forward_that_fails_leaves_the_file_as_it_was(path, opened, monkeypatch):
    await (await opened()).close()
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "SCHEMA_VERSION", NOW + 1)
        patched.setattr(migrate, "_statements", lambda version: ["CREATE TABLE later (a)", "CREATE TABLE later (b)"])
        with pytest.raises(Exception, match="table later already exists"):
            await opened()

    assert run(path, "PRAGMA user_version") == [(NOW,)]
    assert run(path, "SELECT count(*) FROM sqlite_master WHERE name = 'later'") == [(0,)]
    await (await opened()).close()


async def test_the_records_of_the_first_schema_get_their_checksums(path, opened):
    store = await opened()
    made = await create(store, "a", Note("kept"))
    await store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as first:
        first.execute("ALTER TABLE entity DROP COLUMN checksum")
        first.execute("PRAGMA user_version = 1")

    store = await opened()

    assert await store.get(Note, "a") == made
    await store.verify()
    await store.close()
