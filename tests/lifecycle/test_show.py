"""`show` tells what a running server says of an instance, and waits for none that does not."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from time import monotonic

import asyncpg
import pytest

from addonkit.testing.command import CommandLine, Ended


def run(command: CommandLine, *words: str) -> Ended:
    ended = command(*words)
    assert ended.status == 0, ended.err
    return ended


@pytest.fixture
def shop(addonkit_command: CommandLine) -> CommandLine:
    run(addonkit_command, "create", "postgresql:shared", "-a", "shop")
    return addonkit_command


async def test_show_tells_what_a_running_server_says(shop: CommandLine) -> None:
    environ = {
        each["key"]: each["value"] for each in run(shop, "env", "-a", "shop", "--reveal", "--json").data["variables"]
    }
    connection = await asyncpg.connect(environ["DATABASE_URL"], timeout=10)
    try:
        await connection.execute("CREATE TABLE things AS SELECT generate_series(1, 1000)")
        shown = run(shop, "show", "shop-postgresql", "--json").data
    finally:
        await connection.close(timeout=5)
    assert shown["usage"]["bytes"] > 0
    assert shown["sessions"] == 1
    assert shown["uptime"] >= 0
    assert shown["last_backup"] is None
    run(shop, "backup", "create", "shop-postgresql")
    text = run(shop, "show", "shop-postgresql").out
    for field in ("size:", "clients:", "uptime:", "backup:"):
        assert f"\n{field}" in text
    run(shop, "stop", "shop-postgresql")
    stopped = run(shop, "show", "shop-postgresql", "--json").data
    assert stopped["server"]["state"] == "stopped", "it starts no server"
    assert (stopped["usage"], stopped["sessions"], stopped["uptime"]) == (None, None, None)
    assert stopped["last_backup"] is not None


def test_show_waits_for_no_server_that_hangs(shop: CommandLine) -> None:
    server = run(shop, "show", "shop-postgresql", "--json").data["server"]["id"]
    (pid,) = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and is_server(each, server)]
    os.kill(pid, signal.SIGSTOP)
    try:
        began = monotonic()
        shown = run(shop, "show", "shop-postgresql", "--no-start", "--json").data
        assert monotonic() - began < 60, "not the time that a server has to start"
        assert (shown["usage"], shown["sessions"]) == (None, None)
    finally:
        os.kill(pid, signal.SIGCONT)


def is_server(process: Path, server: str) -> bool:
    try:
        words = (process / "cmdline").read_text().split("\0")
    except OSError:
        return False
    return Path(words[0]).name == "postgres" and any(server in word for word in words)
