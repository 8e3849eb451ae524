"""What a server may take of the machine."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import valkey.exceptions

from addonkit import Secret
from addonkit_valkey import admin
from addonkit_valkey.acl import OWNER, owner_rules, tenant_rules

APP = Secret.generate()
GIB = 1 << 30


@pytest.mark.parametrize(("variant", "limit"), [("small", 2 * GIB), ("cache", 2 * GIB), ("shared", 4 * GIB)])
def test_each_variant_has_a_share_of_the_machine(start: Callable[..., Any], variant: str, limit: int) -> None:
    running = start(variant)

    assert resource.prlimit(running.process.pid, resource.RLIMIT_AS) == (limit, limit)


@pytest.mark.usefixtures("lower_limit")
def test_where_the_machine_allows_less_the_server_runs_nevertheless(start: Callable[..., Any]) -> None:
    assert start("small").client().ping()


@pytest.fixture
def lower_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on what this process starts, less than a server asks for."""
    popen = subprocess.Popen
    limit = f"ulimit -v {GIB // 1024}"
    monkeypatch.setattr(
        subprocess, "Popen", lambda argv, **more: popen(["/bin/sh", "-c", f'{limit}; exec "$@"', "sh", *argv], **more)
    )


@pytest.mark.all_day("valkey-server")
async def test_beyond_its_share_a_server_ends_and_comes_back_with_its_data(start: Callable[..., Any]) -> None:
    """Names of watched keys are memory that the server does not limit; here its share is smaller, to be quick."""
    running = start("shared")
    await admin.set_user(running.administrator, "blog", tenant_rules(APP, "blog:"))
    running.client().set("wiki:key", "kept")
    running.client().save()
    resource.prlimit(running.process.pid, resource.RLIMIT_AS, (GIB, GIB))

    with running.client("blog", APP).pipeline() as pipe, pytest.raises(valkey.exceptions.ValkeyError):
        for number in range(200):
            pipe.watch(b"blog:%d" % number + b"x" * (15 << 20))
    assert running.process.wait(60)

    again = start("shared", running.disk)
    assert again.client().get("wiki:key") == b"kept"
    assert again.client("blog", APP).ping()


@pytest.mark.slow
async def test_a_script_that_asks_for_too_much_at_once_is_an_error(start: Callable[..., Any]) -> None:
    client = await _client_of_small_share(start("small"))

    with pytest.raises(valkey.exceptions.ResponseError, match="not enough memory"):
        client.eval("return #string.rep('x', 1024 * 1024 * 1024)", 0)
    assert client.ping()


@pytest.mark.slow
async def test_a_script_that_takes_more_and_more_is_ended_or_its_server_is_and_data_come_back(
    start: Callable[..., Any],
) -> None:
    """While a script runs for seconds the server allocates too: the one that fails may be the server's own."""
    running = start("small")
    client = await _client_of_small_share(running)
    client.set("key", "kept")
    running.client().save()
    bomb = "local t = {} for i = 1, 5000 do t[i] = string.rep(tostring(i), 250000) end"

    with pytest.raises(valkey.exceptions.ValkeyError) as refused:
        client.eval(bomb, 0)

    if isinstance(refused.value, valkey.exceptions.ConnectionError):
        assert running.process.wait(60), "a server that cannot go on ends with an error"
    else:
        assert "not enough memory" in str(refused.value)
        running.process.terminate()  # what the script took is not given back yet, so the server may end by itself too
        running.process.wait(60)
    assert start("small", running.disk).client(OWNER, APP).get("key") == b"kept"


async def _client_of_small_share(running: Any) -> valkey.Valkey:
    """The app's own client, of a server with a smaller share than it has otherwise, to be quick."""
    await admin.set_user(running.administrator, OWNER, owner_rules(APP, persistent=True))
    resource.prlimit(running.process.pid, resource.RLIMIT_AS, (GIB * 3 // 4, GIB))
    return running.client(OWNER, APP, patience=100)
