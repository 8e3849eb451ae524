"""The demonstration's last check finds what it is there to find."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "leftovers.py"


def look(*arguments: object) -> tuple[int, str]:
    argv = [sys.executable, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_an_empty_home_has_nothing_left(home: Path) -> None:
    (home / "ports").mkdir()
    (home / "ports" / "lock").touch()
    assert look(home) == (0, "no process, no directory, none of the ports \n")


def test_a_directory_of_a_server_is_left(home: Path) -> None:
    (home / "disks" / "postgresql-x").mkdir(parents=True)
    assert look(home) == (1, f"directory {home}/disks/postgresql-x\n")


def test_a_process_that_works_in_the_home_is_left(home: Path) -> None:
    with subprocess.Popen(["sleep", "60"], cwd=home) as process:
        try:
            assert look(home) == (1, f"process {process.pid}: sleep 60\n")
        finally:
            process.kill()


def test_a_process_with_a_path_of_the_home_is_left(home: Path) -> None:
    with subprocess.Popen(
        ["tail", "-f", "/dev/null", str(home / "log")], cwd="/", stderr=subprocess.DEVNULL
    ) as process:
        try:
            status, printed = look(home)
            assert status == 1
            assert f"process {process.pid}: " in printed
        finally:
            process.kill()


def test_a_home_whose_name_begins_alike_is_another(home: Path) -> None:
    other = home / "a-longer-name"
    other.mkdir()
    with subprocess.Popen(["sleep", "60"], cwd=other) as process:
        try:
            assert look(home / "a")[0] == 0
        finally:
            process.kill()


def test_a_port_that_answers_is_left(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert look(home, port) == (1, f"port {port} still answers\n")
    assert look(home, port)[0] == 0
