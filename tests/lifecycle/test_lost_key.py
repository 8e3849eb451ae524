"""The key of a home is lost: its data stay, and everything gets new credentials."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest
import valkey

import addonkit
from addonkit.kit import lost_key
from addonkit.store.rekey import rekey
from addonkit.testing.command import CommandLine, Ended


def run(command: CommandLine, *words: str) -> Ended:
    ended = command(*words)
    assert ended.status == 0, ended.err
    return ended


def environment(command: CommandLine, app: str) -> dict[str, str]:
    found = run(command, "env", "-a", app, "--reveal", "--json").data["variables"]
    return {each["key"]: each["value"] for each in found}


def rows(environ: Mapping[str, str], *statements: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(environ["DATABASE_URL"], timeout=10)
        try:
            for statement in statements:
                await connection.execute(statement)
            return int(await connection.fetchval("SELECT count(*) FROM things"))
        finally:
            await connection.close(timeout=5)

    return asyncio.run(ask())


def store_of(environ: Mapping[str, str]) -> valkey.Valkey:
    return valkey.Valkey.from_url(environ["VALKEY_URL"])


@pytest.mark.parametrize("kept", ["nothing", "another key"])
@pytest.mark.all_day("nothing")
def test_a_home_without_its_key_gets_new_secrets_for_all(addonkit_command: CommandLine, home: Path, kept: str) -> None:
    call = addonkit_command
    run(call, "create", "postgresql:shared", "-a", "shop")
    run(call, "attach", "shop-postgresql", "-a", "blog")
    run(call, "create", "valkey:small", "-a", "shop")
    run(call, "env", "set", "-a", "shop", "DEBUG=1")
    run(call, "env", "set", "-a", "shop", "--secret", "API_KEY=geheim")
    former, blog = environment(call, "shop"), environment(call, "blog")
    assert rows(former, "CREATE TABLE things (x int)", "INSERT INTO things VALUES (1), (2)") == 2
    with store_of(former) as connection:
        connection.set("kept", "yes")
    run(call, "stop", "shop-valkey")
    assert "nothing" in call("rotate", "--lost", "--yes").err or call("rotate", "--lost", "--yes").status == 1

    (home / "key").rename(home / "key.elsewhere")
    if kept == "another key":
        (home / "key").write_bytes(base64.b64encode(os.urandom(32)))
        (home / "key").chmod(0o600)
    refused = call("list")
    assert refused.status == 1
    assert "`addonkit rotate --lost` makes new secrets without it" in refused.err
    assert call("rotate", "--lost").status == 1, "it asks, and nobody is there to answer"

    recovered = run(call, "rotate", "--lost", "--yes", "--json").data

    assert recovered["instances"] == ["shop-postgresql", "shop-valkey"]
    assert recovered["problems"] == {}
    assert recovered["lost"]["variables"] == ["shop: API_KEY"]
    new = environment(call, "shop")
    assert new["DEBUG"] == "1"
    assert "API_KEY" not in new
    assert new.keys() == former.keys() - {"API_KEY"}
    assert rows(new) == rows(environment(call, "blog")) == 2
    for old in (former, blog):
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
            rows(old)
    run(call, "start", "shop-valkey")
    with store_of(new) as connection:
        assert connection.get("kept") == b"yes"
    with pytest.raises(valkey.AuthenticationError), store_of(former) as connection:
        connection.ping()
    assert run(call, "doctor").out
    assert (home / lost_key.COPY).stat().st_mode & 0o777 == 0o600
    assert call("rotate", "--lost", "--yes").status == 1, "nothing is lost any more"
    run(call, "attach", "shop-valkey", "-a", "late")
    run(call, "rotate", "shop-postgresql", "--admin")
    for name in ("shop-postgresql", "shop-valkey"):
        run(call, "destroy", name, "--yes", "--now")


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before the state", "before the key", "before an instance"])
async def test_interrupted_anywhere_the_next_call_completes_it(
    home: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with addonkit.open(home) as kit:
        former = (await kit.create("valkey:shared", app="shop")).environ()
    (home / "key").unlink()
    assert lost_key.is_lost(home, {})

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if point == "before the state":
            patch.setattr("addonkit.store.rekey.rekey", stop)
        elif point == "before the key":
            patch.setattr("addonkit.store.rekey.rekey", lambda *words: stop(rekey(*words)))
        else:
            patch.setattr(lost_key.Recovery, "instance", stop)
        lost_key.replace_key(home, {})
        async with addonkit.open(home, heal=False) as kit:
            await kit.recovery.home(lambda _name: None)

    if lost_key.is_lost(home, {}):
        lost_key.replace_key(home, {})
    async with addonkit.open(home) as kit:
        assert "lost-secrets" in {each.kind for each in await kit.doctor()}
        recovered = await kit.recovery.home(lambda _name: None)
        assert recovered.instances == ("shop-valkey",)
        new = (await kit.environment("shop")).values
        assert new["VALKEY_PASSWORD"] != former["VALKEY_PASSWORD"]
        with store_of(new) as connection:
            connection.set(new["VALKEY_PREFIX"] + "x", "1")
        assert await kit.doctor() == ()
