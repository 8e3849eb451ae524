"""Users without a passwd entry or a HOME, and homes of others: each ends in one line, and locks nobody out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine

UID = 54321

PYTHON = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin:/bin") or sys.executable
AS_NOBODY_KNOWN = ("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture(autouse=True, scope="module")
def python_of_all() -> None:
    """Others can run this Python, which may lie below /root on a developer's machine. In CI it does not."""
    ended = subprocess.run([*AS_NOBODY_KNOWN, PYTHON, "-c", ""], cwd="/", capture_output=True, check=False)
    if ended.returncode and not os.environ.get("CI"):
        pytest.skip(f"no other user can run {PYTHON}; get one with: apt-get install python3")


def as_nobody_known(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run addonkit as a uid without an entry."""
    path = os.pathsep.join(each for each in sys.path if each)
    return subprocess.run(
        [*AS_NOBODY_KNOWN, PYTHON, "-m", "addonkit", *words],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": path, **environ},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def theirs(home: Path) -> Path:
    """A home of that user."""
    made = home / "theirs"
    made.mkdir()
    os.chown(made, UID, UID)
    return made


def test_a_user_without_a_passwd_entry_is_told_what_postgresql_needs(theirs: Path) -> None:
    told = as_nobody_known("create", "postgresql:small", "-a", "shop", ADDONKIT_HOME=str(theirs))
    assert told.returncode == 1
    last = told.stderr.splitlines()[-1]
    assert f"uid {UID} has no passwd entry, which some servers need; add `addonkit:x:{UID}:0::/:/bin/sh`" in last
    assert as_nobody_known("destroy", "shop-postgresql", "--yes", ADDONKIT_HOME=str(theirs)).returncode == 0
    assert not list((theirs / "disks").iterdir())


def test_without_a_home_directory_a_command_asks_for_one() -> None:
    for words in (("list",), ("--home", "~nosuchuser/x", "list")):
        told = as_nobody_known(*words)
        assert (told.returncode, told.stderr.count("\n")) == (1, 1), told.stderr
        assert "there is no HOME, and no passwd entry; set ADDONKIT_HOME" in told.stderr


def test_root_that_looks_at_the_home_of_a_user_changes_nothing_in_it(theirs: Path) -> None:
    assert as_nobody_known("apps", ADDONKIT_HOME=str(theirs)).returncode == 0
    assert as_nobody_known("env", "set", "-a", "shop", "A=1", ADDONKIT_HOME=str(theirs)).returncode == 0

    told = CommandLine(theirs)("list")

    assert told.status == 1
    assert f"{theirs} belongs to user {UID}; run the command as {UID}" in told.err
    assert {path.stat().st_uid for path in theirs.rglob("*")} == {UID}
    assert as_nobody_known("env", "get", "A", "-a", "shop", ADDONKIT_HOME=str(theirs)).stdout == "1\n"


def test_root_that_works_in_the_home_of_a_user_does_not_lock_that_user_out(theirs: Path) -> None:
    assert as_nobody_known("env", "set", "-a", "shop", "A=1", ADDONKIT_HOME=str(theirs)).returncode == 0
    root = CommandLine(theirs, {"ADDONKIT_TRUST_HOME": "1"})
    strangers = theirs / "of-root"
    strangers.touch()
    (theirs / "link").hardlink_to(strangers)

    assert root("create", "valkey:small", "-a", "shop").status == 0
    assert root("list").status == 0
    assert root("destroy", "valkey", "-a", "shop", "--yes").status == 0

    given = {path.lstat().st_uid for path in theirs.rglob("*") if path.name not in {"link", "of-root"}}
    assert given == {UID}
    assert (theirs / "link").stat().st_uid == 0, "a second name of a file of root is not given away"
    assert as_nobody_known("env", "get", "A", "-a", "shop", ADDONKIT_HOME=str(theirs)).stdout == "1\n"


def test_a_stranger_in_the_directory_of_a_disk_does_not_keep_it(addonkit_command: CommandLine, home: Path) -> None:
    assert addonkit_command("create", "valkey:small", "-a", "shop").status == 0
    (disk,) = (each for each in (home / "disks").iterdir() if each.is_dir())
    stranger = subprocess.Popen(
        ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "sleep", "60"], cwd=disk
    )
    try:
        gone = addonkit_command("destroy", "shop-valkey", "--yes")
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.wait()
    assert gone.status == 0, gone.err
    assert not disk.exists()


def test_a_home_whose_path_is_too_long_for_the_state_is_told_so(home: Path) -> None:
    told = CommandLine(home.joinpath(*["x" * 100] * 6))("list", "--json")
    assert told.status == 1
    assert "bytes" in json.loads(told.out or told.err)["error"]["message"]


def test_a_directory_that_is_gone_is_told_where_the_home_is_relative(home: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    script = f"cd {gone} && rmdir {gone} && exec {sys.executable} -P -m addonkit"
    for words in ("--home here list", f"--home {home} list"):
        gone.mkdir()
        ended = subprocess.run(["sh", "-c", f"{script} {words}"], capture_output=True, text=True, check=False)
        if "here" in words:
            assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1), ended.stderr
            assert "the current directory does not exist any more" in ended.stderr
        else:
            assert ended.returncode == 0, ended.stderr


def test_values_are_utf_8_whatever_the_locale(addonkit_command: CommandLine) -> None:
    ascii_only = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert addonkit_command("env", "set", "-a", "shop", "GREETING=grüß", **ascii_only).status == 0
    assert addonkit_command("env", "-a", "shop", "--format", "json").data["GREETING"] == "grüß"
    show = (sys.executable, "-c", "import os; print(os.environb[b'GREETING'], os.environb[b'OF_THE_SHELL'])")
    ended = addonkit_command("run", "-a", "shop", "--", *show, **ascii_only, OF_THE_SHELL="schön")
    assert ended.out.split() == [str("grüß".encode()), str("schön".encode())], ended.err


def test_a_umask_that_takes_all_from_the_owner_takes_nothing_from_the_home(theirs: Path) -> None:
    before = os.umask(0o777)
    try:
        assert as_nobody_known("env", "set", "-a", "shop", "A=1", ADDONKIT_HOME=str(theirs)).returncode == 0
    finally:
        os.umask(before)
    told = as_nobody_known("env", "-a", "shop", "--format", "dotenv", ADDONKIT_HOME=str(theirs))
    assert told.stdout == "A='1'\n", told.stderr
