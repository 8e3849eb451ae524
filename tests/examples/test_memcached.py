"""The Memcached addon, a distribution of its own, on a real memcached."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind

MODULE = Path(__file__).parents[2] / "examples/addonkit-memcached/src/addonkit_memcached/__init__.py"
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


@pytest.mark.parametrize("step", ["join_server", "ensure_server", "build_result", "create_pool"])
def test_a_step_that_fails_leaves_nothing(addonkit_command: CommandLine, home: Path, step: str) -> None:
    failed = addonkit_command("create", "memcached", "-a", "shop", ADDONKIT_FAULT=f"after:{step}=raise")

    assert failed.status == 1
    assert left_behind(home) == ()
    assert addonkit_command("destroy", "shop-memcached", "--yes").status == 0
