"""On a full disk commands that only read go on working, and others say in one line that there is no room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")


def test_on_a_full_disk_what_reads_works_and_what_writes_says_why_not(small_disk: Path) -> None:
    command = CommandLine(small_disk / "home")
    assert command("create", "valkey", "-a", "shop").status == 0
    with (small_disk / "fill").open("wb") as fill, pytest.raises(OSError, match="No space left"):
        while True:
            fill.write(b"x" * 65536)
            fill.flush()

    listed = command("list")
    assert "running" in listed.out, listed.err
    for words in (("show", "shop-valkey"), ("env", "-a", "shop", "--reveal"), ("run", "-a", "shop", "--", "true")):
        ended = command(*words)
        assert ended.status == 0, ended.err
    for line in ("list --no-start", "apps", "logs shop-valkey", "env get VALKEY_URL -a shop"):
        assert command(*line.split()).status == 0
    found, *others = command("doctor", "--json").data["findings"]
    assert (found["kind"], found["subject"]) == ("full-disk", str(small_disk / "home")), found
    assert {each["kind"] for each in others} <= {"full-disk"}
    assert "0 bytes of 80.0 MiB are free on its disk; free some" in found["problem"]
    written = command("env", "set", "-a", "shop", "A=1")
    assert written.status == 1
    assert "no space is left on its disk; free some and repeat the command" in written.err
    refused = command("create", "postgresql", "-a", "shop")
    assert refused.status == 1
    assert "cannot run another server in" in refused.err
    assert "its disk has 0 MB free; 67 MB are needed; free some" in refused.err

    (small_disk / "fill").unlink()
    assert "no problems found" in command("doctor").out
    assert command("env", "set", "-a", "shop", "A=1").status == 0
    assert command("destroy", "shop-valkey", "--yes").status == 0
