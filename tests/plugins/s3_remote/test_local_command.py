"""`addonkit-s3-local`: serves until it is ended, keeps what it has, says in one line what is wrong."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from pathlib import Path

import pytest

from addonkit.testing.serving import free_port
from addonkit_s3_remote.conformance import of_operator
from addonkit_s3_remote.local.settings import parse_lines

COMMAND = str(Path(sys.executable).with_name("addonkit-s3-local"))


class Served:
    """One that runs."""

    def __init__(self, *arguments: object) -> None:
        argv = [COMMAND, *map(str, arguments)]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.lines = list(takewhile(str.strip, self.process.stdout)) if "-o" not in arguments else []

    @property
    def settings(self) -> Mapping[str, str]:
        return parse_lines(self.lines)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate()
        return self.process.returncode


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts one; all are ended."""
    started: list[Served] = []

    def start(*arguments: object) -> Served:
        started.append(Served(*arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


def refused(*arguments: object) -> str:
    """The one line by which it says no."""
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


def buckets(settings: Mapping[str, str]) -> list[str]:
    return [each["Name"] for each in of_operator(settings).list_buckets()["Buckets"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.all_day("15")
def test_what_it_has_is_there_again_at_the_same_address(
    serve: Callable[..., Served], tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ("--state", tmp_path / "kept" / "state", "--port", free_port())
    first = serve(*arguments)
    of_operator(first.settings).create_bucket(Bucket="box")
    of_operator(first.settings).put_object(Bucket="box", Key="key", Body=b"hello")
    assert first.end(number) == 0

    second = serve(*arguments)

    assert second.settings == first.settings
    assert of_operator(second.settings).get_object(Bucket="box", Key="key")["Body"].read() == b"hello"
    assert stat.S_IMODE((tmp_path / "kept" / "state").stat().st_mode) == 0o600


def test_what_was_written_before_a_kill_is_there(serve: Callable[..., Served], tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = serve("--state", state, "--port", 0)
    of_operator(first.settings).create_bucket(Bucket="box")
    deadline = time.monotonic() + 30
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    first.end(signal.SIGKILL)

    assert buckets(serve("--state", state, "--port", 0).settings) == ["box"]


def test_settings_go_to_a_file_of_its_owner(serve: Callable[..., Served], tmp_path: Path) -> None:
    file = tmp_path / "s3.env"
    served = serve("--memory", "--port", 0, "-o", file)
    assert served.process.stdout.readline().endswith(f"its settings are in {file}\n")  # type: ignore[union-attr]

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert buckets(parse_lines(file.read_text().splitlines())) == []


def test_a_port_or_a_state_that_is_taken_is_named(serve: Callable[..., Served], tmp_path: Path) -> None:
    state, port = tmp_path / "state", free_port()
    serve("--state", state, "--port", port)

    assert refused("--memory", "--port", port) == (
        f"error: serving S3 on 127.0.0.1:{port}: Address already in use; take another port with --port"
    )
    assert "another addonkit-s3-local has it" in refused("--state", state, "--port", 0)


def test_a_state_that_cannot_be_trusted_or_read_is_named(tmp_path: Path) -> None:
    state, link = tmp_path / "state", tmp_path / "link"
    state.write_bytes(b'{"format": 1, "moto": "0.1"}\nrest')
    state.chmod(0o600)
    assert "it was written with moto 0.1" in refused("--state", state, "--port", 0)

    state.write_bytes(b"garbage")
    assert "it is damaged" in refused("--state", state, "--port", 0)

    state.chmod(0o666)
    assert "another user may have written it" in refused("--state", state, "--port", 0)

    link.symlink_to(state)
    assert refused("--state", link, "--port", 0).startswith(f"error: reading {link}: ")
    assert state.read_bytes() == b"garbage"


def test_help_is_help() -> None:
    for argv in ([COMMAND, "--help"], [sys.executable, "-m", "addonkit_s3_remote.local", "--help"]):
        done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "until SIGTERM" in done.stdout
