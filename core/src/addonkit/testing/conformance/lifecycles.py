"""Checks of an instance's life, from `create` to `destroy`."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import psutil

from addonkit.errors import ContractViolation
from addonkit.kit.kit import Kit
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import fail_by, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import Rig, restarted
from addonkit.testing.home import kill_servers, server_processes

CROWD = 6
"""Apps that come, and go, at once."""


class LifeCycleChecks:
    """One instance of each variant, and several at once."""

    @synchronous
    async def test_an_app_can_use_what_it_gets(self, rig: Rig, variant: str) -> None:
        """Through its variables alone, from the moment `create` returns, until `destroy`."""
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            declared = list(rig.under_test.definition.variables_of(variant))
            require(
                list(environ) == declared,
                f"it gives {', '.join(environ)} where its definition says {', '.join(declared)}",
                "keep the definition's `variables` as the result has them, in that order",
            )
            await rig.write(environ, "first")
            await rig.expect(environ, "first", "just written")
            await _expect_shell(rig, kit)
            await rig.destroy(kit, "shop")
            require(await rig.is_refused(environ, "first"), "its data is there after destroy", "remove the data")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_a_second_create_makes_nothing(self, rig: Rig, variant: str) -> None:
        """At the same time and later it finds the first instance, which is what it was."""
        async with rig.kit() as kit:
            both = await asyncio.gather(*(rig.create(kit, variant, "shop") for _ in range(2)), return_exceptions=True)
            failed = [each for each in both if isinstance(each, BaseException)]
            if len(failed) == len(both):
                fail_by(failed[0], f"of two creates at once none succeeds: {failed[0]}", "fix what the first one says")
            made = [view.instance.name for view in await kit.instances()]
            require(len(made) == 1, f"two creates at once made {', '.join(made)}", "leave instances to the core")
            environ = await rig.environment(kit, "shop")
            await rig.write(environ, "first")
            pools, remains = await kit.backend.pools_here(), rig.remains()
            again = await rig.create(kit, variant, "shop")
            require(again == environ, "a second create gives other variables", "leave instances to the core")
            grown = (*await kit.backend.pools_here(), *rig.remains())
            require(
                sorted(grown) == sorted((*pools, *remains)),
                f"a second create made something: {', '.join(grown)}",
                "make nothing outside of the saga",
            )
            await rig.expect(environ, "first", "after a second create")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_an_app_can_have_two(self, rig: Rig, variant: str) -> None:
        """Under a name of its own the second has all its variables, and data of its own."""
        async with rig.kit() as kit:
            first = await rig.create(kit, variant, "shop")
            second = await rig.create(kit, variant, "shop", alias="second")
            plain = {name.removeprefix("SECOND_"): value for name, value in second.items()}
            require(
                list(second) == [f"SECOND_{name}" for name in first],
                f"the second set is {', '.join(second)}",
                "leave addon_adjust_env_vars out, or put the prefix in front of every variable",
            )
            await rig.write(first, "of the first")
            await rig.write(plain, "of the second")
            await rig.expect(first, "of the first", "beside a second instance")
            await rig.expect(plain, "of the second", "beside a first instance")
            await kit.destroy("second", rig.app("shop"))
            await rig.expect(first, "of the first", "after the second was destroyed")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "both were destroyed")

    @synchronous
    async def test_a_plan_does_nothing(self, rig: Rig, variant: str) -> None:
        """`--dry-run` asks every hook: nothing is made or changed by that, and the output names what would be lost."""
        async with rig.kit() as kit:
            await kit.plan_create(rig.spec(variant), rig.app("shop"))
            await rig.expect_nothing(kit, "only a plan was asked for")
            environ = await rig.create(kit, variant, "shop")
            await rig.write(environ, "first")
            pools, remains = await kit.backend.pools_here(), rig.remains()
            plan = await kit.plan_destroy(rig.name("shop"))
            grown = (*await kit.backend.pools_here(), *rig.remains())
            require(
                sorted(grown) == sorted((*pools, *remains)),
                f"a plan changed what there is: {', '.join(grown)}",
                "let hooks answer with a saga, and do nothing themselves",
            )
            await rig.expect(environ, "first", "a plan of its destruction was asked for")
            if rig.under_test.can("usage"):
                unknown = [words for words in plan.lost if "cannot be told" in words or "was not told" in words]
                require(not unknown, f"measuring failed: {', '.join(unknown)}", "fix the saga of addon_usage")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_many_come_and_go_at_once(self, rig: Rig, variant: str) -> None:
        """And who stays keeps server and data."""
        shared = rig.under_test.is_shared(variant)
        crowd = [f"guest{number}" for number in range(CROWD if shared else 2)]
        late = ("late", "later") if shared else ("late",)
        async with rig.kit() as kit:
            stays, *environs = await asyncio.gather(*(rig.create(kit, variant, app) for app in ("stays", *crowd)))
            if shared:
                servers = {view.instance.server for view in await kit.instances()}
                require(len(servers) == 1, f"they live on {len(servers)} servers", "join a shared server by its key")
            await rig.write(stays, "here")
            for app, environ in zip(crowd, environs, strict=True):
                await rig.write(environ, app)
            arriving = asyncio.gather(*(rig.create(kit, variant, app) for app in late))
            await asyncio.gather(*(rig.destroy(kit, app) for app in crowd))
            await rig.expect(stays, "here", "all others were destroyed at once")
            for app, environ in zip(crowd, environs, strict=True):
                require(
                    await rig.is_refused(environ, app),
                    f"{app} was destroyed and reads its data",
                    "remove it with its login",
                )
            for app, environ in zip(late, await arriving, strict=True):
                await rig.write(environ, app)
                await rig.expect(environ, app, "it came while others went")
            # The last ones leave while the next one comes: the server that goes is not the one that is given.
            leaving = asyncio.gather(*(rig.destroy(kit, app) for app in ("stays", *late)))
            last = await rig.create(kit, variant, "last")
            await leaving
            await rig.write(last, "last")
            await rig.expect(last, "last", "it came while the others left")
            await rig.destroy(kit, "last")
            await rig.expect_nothing(kit, "all instances were destroyed")

    @synchronous
    async def test_a_server_that_was_killed_comes_back(self, rig: Rig, variant: str) -> None:
        """With its data where the variant has storage, and with its users."""
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            if not await kit.backend.pools_here():
                await rig.destroy(kit, "shop")
                not_applicable("it runs no server here")
            await rig.write(environ, "kept")
            for number in (1, 2):
                await restarted(rig, kit)
                kept = "kept" if rig.under_test.is_persistent(variant) else None
                await rig.expect(environ, kept, f"after kill number {number}")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_a_dead_server_can_be_destroyed(self, rig: Rig, variant: str) -> None:
        """Whatever its state, `destroy` ends it."""
        async with rig.kit() as kit:
            await rig.create(kit, variant, "shop")
            kill_servers(rig.home)
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed while its server was dead")

    @synchronous
    async def test_its_server_serves_this_machine_alone(self, rig: Rig, variant: str) -> None:
        """Servers listen on the loopback address: who may come from elsewhere is not theirs to say."""
        async with rig.kit() as kit:
            await rig.create(kit, variant, "shop")
            strange = sorted({place for pid in server_processes(rig.home) for place in _open_to_all(pid)})
            require(not strange, f"it listens on {', '.join(strange)}", "let it listen on 127.0.0.1 and {port} only")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


async def _expect_shell(rig: Rig, kit: Kit) -> None:
    """Expect a definition's `shell` to name variables that the addon gives, and no secret as an argument."""
    problem = ""
    if rig.under_test.definition.shell is not None:
        try:
            await kit.shell(rig.name("shop"))
        except ContractViolation as error:
            problem = error.found
    require(not problem, f"its shell cannot be opened: {problem}", "fix `shell` in the definition")


def _open_to_all(pid: int) -> list[str]:
    found = psutil.Process(pid).net_connections(kind="inet")
    listening = [each.laddr for each in found if each.status == psutil.CONN_LISTEN]
    return [f"{each.ip}:{each.port}" for each in listening if not ip_address(each.ip).is_loopback]
