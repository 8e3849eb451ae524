"""Homes of tests leave nothing behind, also of what addonkit keeps beside a home."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from addonkit.testing.conformance import reaper
from addonkit.testing.home import temporary_home


def test_a_home_goes_with_its_backups_and_no_other_directory(tmp_path: Path) -> None:
    neighbour = tmp_path / "addonkit-test-neighbour"
    neighbour.mkdir()
    with temporary_home(tmp_path) as home:
        (home / "pools").mkdir()
        backups = home.with_name(f"{home.name}-backups")
        (backups / "shop-postgresql").mkdir(parents=True)
    assert list(tmp_path.iterdir()) == [neighbour], "only what was there before is left"


WAITS = """
import subprocess, time
from addonkit.testing.conformance import reaper
from addonkit.testing.home import temporary_home

for _ in range(2):
    with temporary_home() as home:
        pass
with temporary_home() as home:
    left = subprocess.Popen(["sleep", "300"], cwd=home, stdout=subprocess.DEVNULL, start_new_session=True)
    print(home, left.pid, flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_killed_leaves_no_home_and_nothing_that_works_there(number: int) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        home, pid = process.stdout.readline().split()
        process.send_signal(number)

    deadline = time.monotonic() + 30
    while Path(os.fsdecode(home)).parent.exists() or Path(f"/proc/{int(pid)}").exists():
        assert time.monotonic() < deadline, "a server of the killed process runs, or its home is there"
        time.sleep(0.05)


IN_A_CHECK = """
import os, signal
from addonkit.testing.conformance.leftovers import marked
from addonkit.testing.home import temporary_home

with marked(), temporary_home() as home:
    print(home.parent, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_check_that_makes_the_first_home_does_not_end_what_removes_it() -> None:
    ended = subprocess.run([sys.executable, "-c", IN_A_CHECK], capture_output=True, text=True, check=False)
    folder = Path(ended.stdout.strip())

    assert folder.name, ended.stderr
    deadline = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < deadline, "the reaper ended with the check"
        time.sleep(0.05)


def test_a_home_that_vanishes_while_it_is_ended_ends_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "homes"
    (folder / "templates").mkdir(parents=True)
    looks = iter([FileNotFoundError(2, "gone")])

    def look(_home: Path) -> None:
        for error in looks:
            raise error

    monkeypatch.setattr(reaper, "kill_servers", look)
    reaper.clean_up(folder)

    assert not folder.exists()
