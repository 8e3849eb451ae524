"""The Memcached addon, a distribution of its own, on a real memcached."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind

PROJECT = Path(__file__).parents[2] / "examples/addonkit-memcached"
MODULE = PROJECT / "src/addonkit_memcached/__init__.py"
VARIABLES = ["MEMCACHE_URL", "MEMCACHE_HOST", "MEMCACHE_PORT", "MEMCACHE_USERNAME", "MEMCACHE_PASSWORD"]


@pytest.fixture
def addonkit_command(command_with: Callable[[str], CommandLine], of_machine: Callable[[str], str]) -> CommandLine:
    of_machine("memcached")
    return command_with("addonkit-memcached")


def environment_of(command: CommandLine, app: str) -> Mapping[str, str]:
    lines = command("run", "-a", app, "--", "env").out.splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith("MEMCACHE_"))


def talk(environ: Mapping[str, str], *requests: str, password: str = "") -> list[str]:
    """What the server answers to each request, after logging in."""
    place = environ["MEMCACHE_HOST"], int(environ["MEMCACHE_PORT"])
    login = f"{environ['MEMCACHE_USERNAME']} {password or environ['MEMCACHE_PASSWORD']}"
    with socket.create_connection(place, timeout=10) as connection:
        answers = []
        for request in (f"set login 0 0 {len(login)}\r\n{login}", *requests):
            connection.sendall(f"{request}\r\n".encode())
            answers.append(connection.recv(1000).decode())
    return answers[1:]


def test_it_is_short() -> None:
    assert len(MODULE.read_text().splitlines()) < 80


def test_an_app_has_a_cache_of_its_own(addonkit_command: CommandLine, home: Path) -> None:
    for app in ("shop", "blog"):
        created = addonkit_command("create", "memcached", "-a", app)
        assert created.status == 0, created.err
    shop, blog = (environment_of(addonkit_command, app) for app in ("shop", "blog"))

    assert list(shop) == VARIABLES
    assert talk(shop, "set a 0 0 1\r\nx", "get a") == ["STORED\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n"]
    assert talk(blog, "get a") == ["END\r\n"]
    assert "CLIENT_ERROR" in talk(shop, "get a", password=blog["MEMCACHE_PASSWORD"])[0]

    for app in ("shop", "blog"):
        assert addonkit_command("destroy", f"{app}-memcached", "--yes").status == 0
    assert left_behind(home) == ()


def server_of(environ: Mapping[str, str]) -> psutil.Process:
    """The server's process, which has its port in its command line."""
    found = psutil.process_iter(["cmdline"])
    words = {"memcached", environ["MEMCACHE_PORT"]}
    return next(p for p in found if words <= {Path(word).name for word in p.info["cmdline"] or ()})


def test_its_password_is_in_no_command_line_and_no_output(addonkit_command: CommandLine) -> None:
    created = addonkit_command("create", "memcached:large", "-a", "shop")
    environ = environment_of(addonkit_command, "shop")
    words = server_of(environ).cmdline()

    assert "512" in words, "the variant says how much memory there is"
    assert environ["MEMCACHE_PASSWORD"] not in " ".join(words) + created.out + created.err
    assert addonkit_command("destroy", "shop-memcached", "--yes").status == 0


def test_a_killed_server_is_started_by_the_next_command(addonkit_command: CommandLine) -> None:
    addonkit_command("create", "memcached", "-a", "shop")
    environ = environment_of(addonkit_command, "shop")
    server_of(environ).send_signal(signal.SIGKILL)

    assert addonkit_command("list").status == 0
    assert talk(environ, "get a") == ["END\r\n"]
    assert addonkit_command("destroy", "shop-memcached", "--yes").status == 0


def test_its_definition_says_how_to_log_in_and_no_other_way_leads_in(addonkit_command: CommandLine) -> None:
    variants = json.loads(addonkit_command("variants", "memcached", "--json").out)["variants"]
    assert [each["details"]["Login"] for each in variants] == ["password, by the text protocol (no SASL)"] * 2
    addonkit_command("create", "memcached", "-a", "shop")
    environ = environment_of(addonkit_command, "shop")
    place = environ["MEMCACHE_HOST"], int(environ["MEMCACHE_PORT"])

    for hello in (b"get a\r\n", b"set a 0 0 1\r\nx\r\n", b"stats\r\n"):
        with socket.create_connection(place, timeout=10) as connection:
            connection.sendall(hello)
            assert connection.recv(1000).startswith(b"CLIENT_ERROR"), hello
    binary_stats = struct.pack(">BBHBBHIIQ", 0x80, 0x10, 0, 0, 0, 0, 0, 0, 0)
    with socket.create_connection(place, timeout=10) as connection:
        # The end of a line, for a server that takes it for text; one that does not has answered before.
        connection.sendall(binary_stats + b"\r\n")
        answer = connection.recv(1000)
        assert b"pid" not in answer, "no way around by the binary protocol"
    assert addonkit_command("destroy", "shop-memcached", "--yes").status == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_passes_the_conformance_kit(addonkit_command: CommandLine) -> None:
    # Its checks wait more than they work.
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", str(PROJECT)]
    tested = subprocess.run(
        command, cwd=PROJECT, env=addonkit_command.environment(), capture_output=True, text=True, check=False
    )

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert " passed" in tested.stdout.splitlines()[-1]
