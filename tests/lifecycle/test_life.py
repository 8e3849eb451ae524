"""What every instance goes through, the same for all variants of all our addons, on real servers.

What an addon itself must do is in the conformance kit, which runs on ours as on anybody's (tests/conformance). This is
what addonkit does with them; what only one of them promises is in a file of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

import addonkit
from addonkit import UnknownVersion
from addonkit.models.identifiers import variable_prefix
from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.home import kill_servers, left_behind

ADDONS = ("postgresql", "s3-remote", "valkey")
EACH = [(name, variant) for name in ADDONS for variant in AddonUnderTest.find(name).variants]
SERVERS = [(name, variant) for name, variant in EACH if AddonUnderTest.find(name).is_persistent(variant)]

of_each = pytest.mark.parametrize(("addon", "variant"), EACH)
of_servers = pytest.mark.parametrize(("addon", "variant"), SERVERS)
of_each_but_quick_for_shared = pytest.mark.parametrize(
    ("addon", "variant"),
    [pytest.param(*each, marks=() if each[1] in {"shared", "prefix"} else pytest.mark.slow) for each in EACH],
)


def moved_away(rig: Rig, variant: str, environ: Mapping[str, str], word: str = "") -> dict[str, str]:
    """The variables that carry a name in front, the addon's by default, under their plain names."""
    prefix = variable_prefix(word or rig.under_test.addon.name)
    return {name: environ[prefix + name] for name in rig.under_test.definition.variables_of(variant)}


def _holds(path: Path, secrets: Collection[bytes]) -> bool:
    content = path.read_bytes()
    return any(secret in content for secret in secrets)


@pytest.mark.all_day("postgresql-shared", "s3-remote-bucket", "valkey-small")
@of_each
async def test_it_does_what_the_plan_says_and_takes_all_of_it_back(rig: Rig, variant: str) -> None:
    async with rig.kit() as kit:
        plan = await kit.plan_create(rig.spec(variant), rig.app("shop"))
        assert await kit.instances() == ()
        assert left_behind(rig.home) == ()

        environ = await rig.create(kit, variant, "shop")
        assert list(environ) == list(plan.appear)
        await rig.write(environ, "kept")
        secrets = [environ[name].encode() for name in rig.sensitive]
        shown = [path for path in rig.home.rglob("*") if path.is_file() and _holds(path, secrets)]
        assert shown == [], "no file holds a secret in the clear"
        lost = (await kit.plan_destroy(rig.name("shop"))).lost
        assert f"all data of {rig.name('shop')} ({rig.spec(variant)})" in lost
        await rig.expect(environ, "kept", "after a plan")
        await rig.destroy(kit, "shop")

        assert await rig.is_refused(environ, "kept")
        with pytest.raises(addonkit.UnknownApp):
            await kit.environment(rig.app("shop"))
        await rig.expect_nothing(kit, "it was destroyed")


@pytest.mark.all_day("postgresql-shared", "valkey-small")
@of_each
async def test_the_same_create_again_goes_on_with_what_is_unfinished(rig: Rig, variant: str) -> None:
    async with rig.kit() as kit:
        begun = await kit.create(rig.spec(variant), rig.app("shop"), wait=False)
        assert begun.variables == ()

        joined = await kit.create(rig.spec(variant), rig.app("shop"))

        assert joined.instance.id == begun.instance.id
        await rig.write(joined.environ(), "works")
        await rig.destroy(kit, "shop")


@pytest.mark.all_day("postgresql-shared", "s3-remote-bucket", "valkey-small")
@of_each
async def test_what_is_not_made_yet_can_be_destroyed(rig: Rig, variant: str) -> None:
    async with rig.kit() as kit:
        await kit.create(rig.spec(variant), rig.app("shop"), wait=False)

        await rig.destroy(kit, "shop")

        await rig.expect_nothing(kit, "it was destroyed before it was made")


@pytest.mark.all_day("postgresql-shared", "valkey-small")
@of_each
async def test_two_sets_of_variables_swap_as_wholes(rig: Rig, variant: str) -> None:
    async with rig.kit() as kit:
        first = await rig.create(kit, variant, "shop")
        await rig.write(first, "of the first")
        await rig.create(kit, variant, "shop", alias="other")
        other = moved_away(rig, variant, await rig.environment(kit, "shop"), "other")
        await rig.write(other, "of the other")

        moved = await kit.promote("other", rig.app("shop"))

        environ = await rig.environment(kit, "shop")
        assert {name: environ[name] for name in other} == other
        assert moved_away(rig, variant, environ) == first
        assert len(environ) == len(first) + len(other)
        assert {move.old for move in moved} >= first.keys()
        await rig.expect(environ, "of the other", "under the plain names")
        for name in ("other", rig.name("shop")):
            await kit.destroy(name, rig.app("shop"))


@pytest.mark.all_day("postgresql-shared", "valkey-small")
@of_each
async def test_a_variable_set_by_hand_wins_before_and_after(rig: Rig, variant: str) -> None:
    taken = rig.under_test.definition.variables_of(variant)[0]
    async with rig.kit() as kit:
        await kit.set_variables(rig.app("shop"), {taken: "mine"})
        await rig.create(kit, variant, "shop")
        environ = await rig.environment(kit, "shop")
        assert environ[taken] == "mine"
        assert len(environ) == 1 + len(moved_away(rig, variant, environ)), "the set moved as a whole"
        await rig.write(moved_away(rig, variant, environ), "kept")

        back = await kit.unset_variables(rig.app("shop"), [taken])

        assert len(back) == len(environ) - 1, "and comes back as a whole"
        await rig.expect(await rig.environment(kit, "shop"), "kept", "under the plain names again")
        again = await kit.set_variables(rig.app("shop"), {taken: "mine"})
        assert {move.reason for move in again} == {f"{taken} is set by hand"}
        await rig.destroy(kit, "shop")


@pytest.mark.all_day("postgresql-shared", "s3-remote-prefix")
@of_each_but_quick_for_shared
async def test_one_comes_while_the_last_one_goes(rig: Rig, variant: str) -> None:
    async with rig.kit() as kit:
        for turn in range(2):
            await rig.create(kit, variant, f"old-{turn}")

            environ, _ = await asyncio.gather(rig.create(kit, variant, f"new-{turn}"), rig.destroy(kit, f"old-{turn}"))

            await rig.write(environ, "here")
            await rig.expect(environ, "here", "the one before left at the same moment")
            await rig.destroy(kit, f"new-{turn}")
        await rig.expect_nothing(kit, "all had left")


@pytest.mark.all_day("postgresql-small", "valkey-shared")
@of_servers
async def test_a_server_that_was_killed_runs_for_the_next_command_at_its_address(rig: Rig, variant: str) -> None:
    async with rig.kit() as kit:
        environ = await rig.create(kit, variant, "shop")
        await rig.write(environ, "kept")
    kill_servers(rig.home)

    async with rig.kit() as kit:
        assert await rig.environment(kit, "shop") == environ
        await rig.expect(environ, "kept", "its server was killed")


@pytest.mark.all_day("postgresql-small", "valkey-shared")
@of_servers
async def test_a_server_that_was_stopped_serves_again_with_its_data(rig: Rig, variant: str) -> None:
    async with rig.kit() as kit:
        environ = await rig.create(kit, variant, "shop")
        await rig.write(environ, "kept")
        framework, server = kit._pools._framework, (await kit.show(rig.name("shop"))).instance.server

        await framework.scale_pool(server, 0)
        assert await rig.is_refused(environ, "kept")
        await framework.scale_pool(server, 1)
        await framework.wait_for_pool(server)

        await rig.expect(environ, "kept", "its server was stopped and started")


@of_servers
async def test_a_version_that_cannot_run_here_fails_before_anything_is_made(rig: Rig, variant: str) -> None:
    async with rig.kit() as kit:
        with pytest.raises(UnknownVersion, match=r"versions found here: \d+\.\d+"):
            await kit.create(rig.spec(variant), rig.app("shop"), version="3.1")

        assert await kit.instances() == ()
        await rig.expect_nothing(kit, "nothing was made")


async def test_one_app_can_have_them_all(rigs: Mapping[str, Rig], home) -> None:
    settings = {name: value for rig in rigs.values() for name, value in rig.environ.items()}
    async with addonkit.open(home, environ=settings) as kit:
        for rig in rigs.values():
            await kit.create(rig.under_test.addon.name, "shop")

        environ = dict((await kit.environment("shop")).as_dict())

        for name, rig in rigs.items():
            await rig.write(environ, f"with {name}")
        for name, rig in rigs.items():
            await rig.expect(environ, f"with {name}", "all in one app")
        for view in await kit.instances("shop"):
            await kit.destroy(view.instance.name)
        assert left_behind(home) == ()
