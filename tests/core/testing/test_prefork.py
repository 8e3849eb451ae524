"""A forked command is a process like one that Python was started for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from addonkit.testing import prefork
from addonkit.testing.command import CommandLine, Ended


def really(command: CommandLine, *words: str, input: str = "", **environ: str) -> Ended:
    ended = subprocess.run(
        [sys.executable, "-m", "addonkit", *words],
        env=command.environment(**environ), input=input, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def command(home: Path) -> CommandLine:
    return CommandLine(home)


@pytest.mark.parametrize(
    "words",
    [(), ("list",), ("nonsense",), ("env", "-a", "shop"), ("destroy", "x", "--json"), ("--version",)],
)
def test_it_says_and_ends_as_one_that_was_started(command: CommandLine, words: tuple[str, ...]) -> None:
    assert command(*words) == really(command, *words)


def test_it_has_the_environment_the_folder_and_the_input_that_are_given(
    command: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("env", "set", "-a", "shop", "GREETING=good day")
    monkeypatch.chdir(tmp_path)

    ended = command(
        "run", "-a", "shop", "--", "sh", "-c", "pwd; cat; echo $GREETING $MORE; exit 7", input="in\n", MORE="x"
    )

    assert ended == Ended(7, f"{tmp_path}\nin\ngood day x\n", "")


def test_a_module_of_its_own_path_is_found(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "acme.py").write_text("")
    (tmp_path / "acme-1.0.dist-info").mkdir()
    (tmp_path / "acme-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (tmp_path / "acme-1.0.dist-info" / "entry_points.txt").write_text("[addonkit.addons]\nacme = acme\n")

    assert "acme" in command("addons", PYTHONPATH=str(tmp_path)).out
    assert "acme" not in command("addons").out


def test_it_can_be_killed(command: CommandLine) -> None:
    ended = command("create", "postgresql:shared", "-a", "shop", ADDONKIT_FAULT="before:create_disk=kill")
    assert ended.status == -signal.SIGKILL
    assert command("destroy", "shop-postgresql", "--yes").status == 0


def test_one_that_takes_too_long_is_killed(command: CommandLine) -> None:
    command("env", "set", "-a", "shop", "A=1")
    with pytest.raises(subprocess.TimeoutExpired):
        prefork.run(["run", "-a", "shop", "--", "sleep", "60"], command.environment(), "", 1.0)


def test_what_python_reads_at_its_start_needs_a_start() -> None:
    assert prefork.can_run({**os.environ, "ADDONKIT_HOME": "elsewhere", "PYTHONPATH": "elsewhere"})
    assert not prefork.can_run({**os.environ, "PYTHONWARNINGS": "error"})
