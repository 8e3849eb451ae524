"""The password of a server's administrator is replaced while apps use the server, or made anew when it was lost."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
import valkey
import valkey.asyncio

import addonkit
from addonkit.engine.failpoints import at
from addonkit.errors import InvalidInput
from addonkit.models.compute import Pool
from addonkit.models.instance import Server
from addonkit.models.views import ServerTarget
from addonkit.testing.command import CommandLine

STEPS = ("generate_password", "announce_password", "let_in", "switch_password", "lock_out")
POINTS = [f"{when}:{step}" for step in STEPS for when in ("before", "after", "journal")]


class Crash(BaseException):
    """Ends everything, as a crash does: nothing of ours catches it."""


def crash() -> None:
    raise Crash


async def server_of(kit: addonkit.Kit, name: str) -> Server:
    server = (await kit.show(name)).server
    assert server is not None
    return (await kit._store.get(Server, server.id)).value


async def target(kit: addonkit.Kit, name: str) -> ServerTarget:
    (found,) = await kit.servers(name)
    return found


async def is_administrator(kit: addonkit.Kit, name: str, password: str) -> bool:
    """Whether a password lets the administrator in, asked by a client that is not ours."""
    view = await kit.show(name)
    host, port = view.address.host, view.address.port
    if view.instance.addon == "postgresql":
        try:
            connection = await asyncpg.connect(
                host=host, port=port, user="postgres", password=password, database="postgres", timeout=10, ssl=False
            )
        except asyncpg.InvalidPasswordError:
            return False
        await connection.close()
        return True
    client = valkey.asyncio.Valkey(host=host, port=port, username="addonkit", password=password)
    try:
        return bool(await client.ping())
    except valkey.AuthenticationError:
        return False
    finally:
        await client.aclose()


async def password_of(kit: addonkit.Kit, name: str) -> str:
    return (await server_of(kit, name)).attributes["admin_password"].reveal()


@pytest.mark.all_day("postgresql:shared")
@pytest.mark.parametrize("spec", ["postgresql:small", "postgresql:shared", "valkey:small", "valkey:shared"])
async def test_the_administrator_gets_another_password(home: Path, spec: str) -> None:
    name = f"shop-{spec.partition(':')[0]}"
    async with addonkit.open(home) as kit:
        await kit.create(spec, app="shop")
        former, environment = await password_of(kit, name), (await kit.environment("shop")).values

        rotated = await kit.admin_passwords.rotate(name)

        new = await password_of(kit, name)
        assert rotated.instances == (name,)
        assert new != former
        assert await is_administrator(kit, name, new)
        assert not await is_administrator(kit, name, former)
        assert (await kit.environment("shop")).values == environment
        await kit.attach(name, "blog")
        await kit.restart(await target(kit, name))
        assert await is_administrator(kit, name, new)
        await kit.admin_passwords.rotate(name)
        third = await password_of(kit, name)
        assert len({former, new, third}) == 3
        await kit.stop(await target(kit, name))
        await kit.admin_passwords.rotate(name)
        assert (await kit.show(name)).server_state == "stopped"
        await kit.start(await target(kit, name))
        assert await is_administrator(kit, name, await password_of(kit, name))
        assert await kit.doctor() == ()


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["postgresql:shared", "valkey:small"])
async def test_killed_anywhere_it_leaves_a_password_that_works(home: Path, spec: str) -> None:
    """After each kill another command works on the server at once, with what the interrupted one has left."""
    name = f"shop-{spec.partition(':')[0]}"
    async with addonkit.open(home) as kit:
        await kit.create(spec, app="shop")
    for number, point in enumerate(POINTS):
        async with addonkit.open(home) as kit:
            before = await password_of(kit, name)
        with pytest.raises(Crash):
            async with addonkit.open(home) as kit:
                with at(point, crash):
                    await kit.admin_passwords.rotate(name)
        async with addonkit.open(home) as kit:
            server = await server_of(kit, name)
            kept = [server.attributes[key].reveal() for key in server.attributes if "password" in key]
            working = [each for each in kept if await is_administrator(kit, name, each)]
            assert working, f"none works after {point}"
            await kit.attach(name, f"app-{number}")
            await kit.detach(name, f"app-{number}")
            if number % 5 == 0:
                assert [(each.kind, "--admin" in each.problem) for each in await kit.doctor()] == [("unfinished", True)]
            await kit.admin_passwords.rotate(name)
            after = await password_of(kit, name)
            assert after != before
            assert await is_administrator(kit, name, after)
            assert not await is_administrator(kit, name, before)
            assert "other_admin_password" not in (await server_of(kit, name)).attributes


@pytest.mark.all_day("valkey:small")
@pytest.mark.parametrize("spec", ["postgresql:shared", "valkey:shared", "valkey:small"])
async def test_a_lost_password_is_made_anew(kit: addonkit.Kit, spec: str) -> None:
    """What the server has is another one than what is recorded: nothing but its disk is a way in."""
    name = f"shop-{spec.partition(':')[0]}"
    await kit.create(spec, app="shop")
    server = await server_of(kit, name)
    environment = (await kit.environment("shop")).values
    await kit.framework.servers.change_attributes(server.id, admin_password=addonkit.Secret.generate())
    with pytest.raises(addonkit.AddonkitError):
        await kit.attach(name, "blog")

    await kit.admin_passwords.reset(name)

    assert await is_administrator(kit, name, await password_of(kit, name))
    assert not await is_administrator(kit, name, server.attributes["admin_password"].reveal())
    assert (await kit.environment("shop")).values == environment
    await kit.retry(name)
    assert (await kit.environment("blog")).values
    pool = await kit._store.get(Pool, server.id)
    assert not [each for each in pool.value.spec.program.files if "reset" in each.path], "the next start asks again"
    await kit.restart(await target(kit, name))
    assert await is_administrator(kit, name, await password_of(kit, name))


def test_the_command_says_what_it_did_and_what_it_cannot(addonkit_command: CommandLine) -> None:
    call = addonkit_command
    assert call("create", "valkey:shared", "-a", "shop").status == 0
    assert call("create", "valkey:shared", "-a", "blog").status == 0
    rotated = call("rotate", "shop-valkey", "--admin")
    assert rotated.out == "the administrator of the server of blog-valkey, shop-valkey has another password\n"
    assert call("rotate", "valkey", "-a", "shop", "--admin", "--json").data["instances"] == [
        "blog-valkey",
        "shop-valkey",
    ]


async def test_a_service_elsewhere_has_no_such_password(s3kit: addonkit.Kit) -> None:
    await s3kit.create("s3-remote", app="shop")
    with pytest.raises(InvalidInput, match="s3-remote runs no server here.*addonkit config set s3-remote"):
        await s3kit.admin_passwords.rotate("shop-s3-remote")
    assert await s3kit.admin_passwords.reset("shop-s3-remote") is None
