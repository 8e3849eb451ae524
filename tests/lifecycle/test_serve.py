"""`addonkit serve`: servers that end or hang come back, and what was begun is completed, without any command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from addonkit.testing.command import CommandLine

LIMIT = 60.0


@contextmanager
def serving(addonkit: CommandLine, **environ: str) -> Iterator[subprocess.Popen[str]]:
    process = addonkit.start("serve", **environ)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving ")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=LIMIT)


def comes_true(condition: Callable[[], object]) -> bool:
    deadline = monotonic() + LIMIT
    while monotonic() < deadline:
        if condition():
            return True
        sleep(0.05)
    return False


def pid_of(home: Path, server: str) -> int:
    try:
        return int(json.loads((home / f"pools/{server}/record").read_text())["pid"])
    except (FileNotFoundError, ValueError):  # it is being written
        return 0


def server_of(addonkit: CommandLine, instance: str) -> str:
    return str(addonkit("show", instance, "--no-start", "--json").data["server"]["id"])


def shell(addonkit: CommandLine, *words: str) -> str:
    return addonkit("shell", "shop-valkey", "--", *words).out.strip().strip('"')


@pytest.mark.slow
def test_servers_come_back_and_what_was_begun_is_completed(addonkit_command: CommandLine, home: Path) -> None:
    addonkit = addonkit_command
    assert addonkit("create", "valkey", "-a", "shop").status == 0
    assert shell(addonkit, "set", "kept", "yes") == "OK"
    server = server_of(addonkit, "shop-valkey")
    with serving(addonkit) as first, serving(addonkit):
        for number in (signal.SIGKILL, signal.SIGSTOP):
            former = pid_of(home, server)
            os.kill(former, number)
            assert comes_true(lambda former=former: pid_of(home, server) not in {0, former}), number.name
            assert comes_true(lambda: shell(addonkit, "get", "kept") == "yes"), number.name

        assert addonkit("create", "valkey:shared", "-a", "blog", "--no-wait").status == 0
        assert comes_true(lambda: '"phase": "active"' in addonkit("show", "blog-valkey", "--no-start", "--json").out)

        assert addonkit("stop", "shop-valkey").status == 0
        assert not comes_true_soon(lambda: shell(addonkit, "get", "kept") == "yes"), "it was stopped on purpose"
        assert addonkit("start", "shop-valkey").status == 0
        assert addonkit("restart", "shop-valkey").status == 0

        first.terminate()
        assert first.wait(LIMIT) == 0
        assert first.stdout is not None
        said = first.stdout.read()
        assert said.count("had ended") <= 1, f"the one that was killed, and none that a command has stopped: {said}"
        assert shell(addonkit, "get", "kept") == "yes", "servers keep running"
        os.kill(pid_of(home, server), signal.SIGKILL)
        assert comes_true(lambda: shell(addonkit, "get", "kept") == "yes"), "the other process goes on serving"
    for name in ("shop-valkey", "blog-valkey"):
        assert addonkit("destroy", name, "--yes").status == 0


def comes_true_soon(condition: Callable[[], object]) -> bool:
    return any(condition() or sleep(0.5) for _ in range(4))


def test_a_command_that_was_killed_is_completed_and_its_server_kept(addonkit_command: CommandLine, home: Path) -> None:
    addonkit = addonkit_command
    interrupted = addonkit.start("create", "valkey:shared", "-a", "shop", ADDONKIT_FAULT="after:create_pool=kill")
    interrupted.communicate(timeout=LIMIT)

    with serving(addonkit):
        assert comes_true(lambda: '"phase": "active"' in addonkit("show", "shop-valkey", "--no-start", "--json").out)
        server = server_of(addonkit, "shop-valkey")
        former = pid_of(home, server)
        os.kill(former, signal.SIGKILL)
        assert comes_true(lambda: pid_of(home, server) not in {0, former})

    assert addonkit("destroy", "shop-valkey", "--yes").status == 0


def test_a_state_that_is_replaced_ends_it_with_one_line(addonkit_command: CommandLine, home: Path) -> None:
    assert addonkit_command("env", "set", "-a", "shop", "A=1").status == 0
    with serving(addonkit_command) as process:
        (home / "state.db").rename(home / "state.away")

        _out, err = process.communicate(timeout=LIMIT)

    (home / "state.away").rename(home / "state.db")
    assert process.returncode == 1
    assert err.startswith("error: cannot "), err
    assert "the file was removed or replaced while it was open" in err
    assert len(err.splitlines()) == 1, err


def test_systemd_is_told_and_its_unit_is_valid(addonkit_command: CommandLine, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(LIMIT)
        with serving(addonkit_command, NOTIFY_SOCKET=str(tmp_path / "notify")) as process:
            assert manager.recv(100) == b"READY=1"
            process.send_signal(signal.SIGHUP)
            process.terminate()
            assert process.wait(LIMIT) == 0
            assert manager.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("name", ["home", 'with "quotes", $dollars, %h and \\ in it'])
def test_the_unit_is_valid_and_holds_no_secret(addonkit_command: CommandLine, tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    environ = {"ADDONKIT_S3_REMOTE_SECRET_KEY": "s3cret", "ADDONKIT_PORTS": "20000-21000"}

    printed = addonkit_command("--home", str(home), "service", "install", "--print", **environ)

    assert printed.status == 0
    assert "s3cret" not in printed.out
    assert 'Environment="ADDONKIT_PORTS=20000-21000"' in printed.out
    unit = tmp_path / "addonkit.service"
    unit.write_text(printed.out)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked
