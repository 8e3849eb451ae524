"""Bad input: one clear line, exit status 1, and nothing made or lost."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, f"more than one line:\n{text}"
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("create", "nothing", "-a", "shop"), "unknown addon|no addon|'nothing'"),
        (("create", "postgresql:xl", "-a", "shop"), "xl"),
        (("create", "postgresql:", "-a", "shop"), "postgresql"),
        (("create", " postgresql", "-a", "shop"), "surrounding blanks"),
        (("create", "postgresql", "-a", "shop", "--version", "9.6"), "versions found here: 18"),
        (("create", "postgresql", "-a", "my shop"), "'my shop'"),
        (("create", "postgresql", "-a", "x" * 300), "300 characters"),
        (("create", "postgresql", "-a", ""), "''"),
        (("create", "postgresql", "-a", "shop", "--as", "No Name"), "'No Name'"),
        (("destroy", "shop-postgresql", "--yes"), "no instance has this name"),
        (("destroy", "postgresql", "-a", "shop", "--yes"), "no app 'shop'"),
        (("show", "shop-postgresql"), "no instance has this name"),
        (("attach", "shop-postgresql", "-a", "web"), "no instance has this name"),
        (("detach", "shop-postgresql", "-a", "web"), "no app 'web'"),
        (("promote", "postgresql", "-a", "web"), "no app 'web'"),
        (("retry", "shop-postgresql"), "no instance has this name"),
        (("logs", "shop-postgresql"), "no instance has this name"),
        (("env", "-a", "shop"), "no app 'shop'"),
        (("run", "-a", "shop", "--", "true"), "no app 'shop'"),
        (("env", "set", "-a", "shop", "not-a-name=1"), "'not-a-name'"),
        (("env", "unset", "-a", "shop", "KEY"), "no app 'shop'"),
        (("saga", "show", "nothing"), "'nothing'"),
        (("saga", "abandon", "nothing"), "'nothing'"),
        (("variants", "nothing"), "nothing"),
    ],
)
def test_what_can_never_work_is_said_in_one_line(
    addonkit_command: CommandLine, home: Path, words: tuple[str, ...], expected: str
) -> None:
    import re

    ended = addonkit_command(*words)

    assert ended.status == 1, ended
    assert re.search(expected, one_line(ended.err)), ended.err
    assert left_behind(home) == ()
    assert addonkit_command("list", "--json").data["instances"] == []


@pytest.mark.parametrize("words", [("create",), ("create", "postgresql"), ("no-such-command",), ("run", "-a", "shop")])
def test_wrong_usage_ends_with_two(addonkit_command: CommandLine, words: tuple[str, ...]) -> None:
    assert addonkit_command(*words).status == 2


def test_create_twice_and_what_is_there_stays(addonkit_command: CommandLine) -> None:
    assert addonkit_command("create", "valkey:small", "-a", "shop").status == 0
    before = addonkit_command("env", "-a", "shop", "--reveal", "--json").data

    again = addonkit_command("create", "valkey:small", "-a", "shop")
    other = addonkit_command("create", "valkey:shared", "-a", "shop")

    assert again.status == 0, again.err
    assert other.status == 1
    assert "already has valkey" in one_line(other.err)
    assert addonkit_command("env", "-a", "shop", "--reveal", "--json").data == before
    assert len(addonkit_command("list", "--json").data["instances"]) == 1


def test_without_a_terminal_and_without_yes_nothing_is_destroyed(addonkit_command: CommandLine) -> None:
    assert addonkit_command("create", "valkey", "-a", "shop").status == 0

    ended = addonkit_command("destroy", "shop-valkey")

    assert ended.status == 1
    assert "--yes" in ended.err
    assert addonkit_command("list", "--json").data["instances"][0]["phase"] == "active"


def test_a_dry_run_tells_and_does_nothing(addonkit_command: CommandLine, home: Path) -> None:
    addonkit_command("env", "set", "-a", "shop", "DATABASE_URL=mine")
    planned = addonkit_command("create", "postgresql", "-a", "shop", "--dry-run")

    assert planned.status == 0
    assert "create the owner and its database" in planned.out
    assert "POSTGRESQL_DATABASE_URL" in planned.out
    assert left_behind(home) == ()
    assert addonkit_command("create", "valkey", "-a", "shop").status == 0
    destroyed = addonkit_command("destroy", "shop-valkey", "--dry-run")
    assert destroyed.status == 0
    assert "VALKEY_URL" in destroyed.out
    assert addonkit_command("list", "--json").data["instances"][0]["phase"] == "active"


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    ended = CommandLine(blocked / "home")("list")

    assert ended.status == 1
    assert "ADDONKIT_HOME" in one_line(ended.err)


def test_a_home_of_a_newer_schema_is_left_alone(addonkit_command: CommandLine, home: Path) -> None:
    import sqlite3

    assert addonkit_command("list").status == 0
    connection = sqlite3.connect(home / "state.db")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = (home / "state.db").read_bytes()

    ended = addonkit_command("list")

    assert ended.status == 1
    assert "newer" in one_line(ended.err)
    assert (home / "state.db").read_bytes() == before


def test_a_corrupted_state_file_is_copied_aside_and_never_overwritten(
    addonkit_command: CommandLine, home: Path
) -> None:
    assert addonkit_command("env", "set", "-a", "shop", "KEY=value").status == 0
    damaged = b"not a database at all" * 500
    (home / "state.db").write_bytes(damaged)

    for _ in range(2):
        ended = addonkit_command("list")
        assert ended.status == 1
        assert "corrupt" in one_line(ended.err)

    assert (home / "state.db").read_bytes() == damaged
    copies = list(home.glob("state.db.corrupt-*"))
    assert [copy.read_bytes() for copy in copies] == [damaged]


def test_a_state_file_that_was_emptied_is_refused_while_there_are_data(
    addonkit_command: CommandLine, home: Path
) -> None:
    (home / "state.db").touch()
    assert addonkit_command("create", "valkey", "-a", "shop").status == 0, "a new home may have an empty one"
    (home / "state.db").write_bytes(b"")

    ended = addonkit_command("list")

    assert ended.status == 1
    assert "it is empty, and" in one_line(ended.err)
    assert (home / "state.db").read_bytes() == b""
    assert list(home.glob("disks/*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="servers of a normal user run as that user")
def test_a_home_that_the_service_user_cannot_get_into(addonkit_command: CommandLine, home: Path) -> None:
    home.chmod(0o700)

    ended = addonkit_command("create", "valkey", "-a", "shop")

    assert ended.status == 1
    assert f"has no way through {home}" in one_line(ended.err)
    assert addonkit_command("list", "--json").data["instances"] == []


def test_creating_something_else_where_one_failed_tells_the_ways_out(addonkit_command: CommandLine) -> None:
    failed = addonkit_command("create", "valkey:small", "-a", "shop", ADDONKIT_FAULT="after:create_tenant=raise")
    assert failed.status == 1

    other = addonkit_command("create", "valkey:shared", "-a", "shop")

    assert other.status == 1
    ways = "run `addonkit retry shop-valkey` to try again, or `addonkit destroy shop-valkey` to remove it"
    assert f"which failed; {ways}" in one_line(other.err)


def test_no_free_port(addonkit_command: CommandLine, home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = addonkit_command("create", "valkey", "-a", "shop", ADDONKIT_PORTS=f"{port}-{port}")

    assert ended.status == 1
    assert f"all of {port}-{port} are taken" in ended.err.splitlines()[-1]
    assert left_behind(home) == ()


def test_a_full_disk_loses_nothing(home: Path) -> None:
    """On a small file system of the test's own, mounted where root may; otherwise in a user namespace."""
    script = f"""
import sys
from pathlib import Path
sys.path[:0] = {sys.path!r}
from addonkit.testing.command import CommandLine
home = Path({str(home)!r}) / "small"
command = CommandLine(home)
assert command("env", "set", "-a", "shop", "KEY=kept").status == 0

with open(home / "ballast", "wb", buffering=0) as ballast:
    try:
        while ballast.write(b"x" * 4096) == 4096:
            pass
    except OSError:
        pass
ended = command("create", "valkey", "-a", "shop")
print(ended.status, ended.err.strip().splitlines()[-1])
(home / "ballast").unlink()
after = command("env", "-a", "shop", "--json")
assert after.status == 0, after
assert [v["value"] for v in after.data["variables"]] == ["kept"], after.out
left = command("list", "--json").data["instances"]
assert [i["phase"] for i in left] in ([], ["error"]), left
"""
    (home / "small").mkdir()
    mount = f'mount -t tmpfs -o size=4m,mode=711 none {home}/small && exec {sys.executable} -c "$SCRIPT"'
    flags = ["-m"] if os.geteuid() == 0 else ["-mr"]
    if shutil.which("unshare") is None:
        pytest.skip("a file system of a test's own needs unshare (util-linux)")
    ended = subprocess.run(
        ["unshare", *flags, "sh", "-c", mount],
        env=os.environ | {"SCRIPT": script},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("1 error: "), ended.stdout
    assert any(words in ended.stdout for words in ("space", "full", "MB free")), ended.stdout


def test_another_key_than_the_home_began_with_is_refused(addonkit_command: CommandLine) -> None:
    other = base64.b64encode(b"k" * 32).decode()
    assert addonkit_command("env", "set", "-a", "shop", "TOKEN=before", "--secret").status == 0

    for words in (("list",), ("env", "set", "-a", "shop", "TOKEN=after", "--secret")):
        refused = addonkit_command(*words, ADDONKIT_KEY=other)

        assert refused.status == 1
        assert "cannot use this home: its secrets are sealed with key" in one_line(refused.err)
    assert '"before"' in addonkit_command("env", "-a", "shop", "--format", "json", "--reveal").out
