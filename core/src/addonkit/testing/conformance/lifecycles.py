"""Checks of an instance's life, from `create` to `destroy`."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from addonkit.errors import AddonkitError
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.conformance.running import synchronous
from addonkit.testing.conformance.verdict import fail, require
from addonkit.testing.home import kill_servers

CROWD = 6
"""Apps that come, and go, at once."""

ALIKE = ("my-app", "my_app", "My.App", "postgres", "root", "default", "admin", "1st", "x" * 200)
"""Names that sanitize alike, that services keep for themselves, and the longest there may be."""

_LONG = 20
"""Characters that only a secret has."""


class LifeCycleChecks:
    """One instance of each variant, and several at once."""

    @synchronous
    async def test_an_app_can_use_what_it_gets(self, rig: Rig, variant: str) -> None:
        """Through its variables alone, from the moment `create` returns, until `destroy`."""
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            declared = list(rig.subject.definition.variables_of(variant))
            require(
                list(environ) == declared,
                f"it gives {', '.join(environ)} where its definition says {', '.join(declared)}",
                "keep the definition's `variables` as the result has them, in that order",
            )
            await rig.write(environ, "first")
            await rig.expect(environ, "first", "just written")
            await rig.destroy(kit, "shop")
            require(await rig.is_refused(environ, "first"), "its data is there after destroy", "remove the data")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_a_second_create_makes_nothing(self, rig: Rig, variant: str) -> None:
        """It is refused, and the first instance is what it was."""
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            await rig.write(environ, "first")
            pools, remains = await kit.backend.pools_here(), rig.remains()
            with suppress(AddonkitError):
                await rig.create(kit, variant, "shop")
                fail("a second create of the same is not refused", "leave the addon's hooks to the core's own check")
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
            await kit.destroy("second", "shop")
            await rig.expect(first, "of the first", "after the second was destroyed")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "both were destroyed")

    @synchronous
    async def test_another_app_can_be_given_the_same(self, rig: Rig, variant: str) -> None:
        """`attach` shares the data; after `detach` what the app was given of its own is dead."""
        async with rig.kit() as kit:
            owner = await rig.create(kit, variant, "shop")
            await rig.write(owner, "shared")
            await kit.attach(rig.name("shop"), "blog")
            guest = await rig.environment(kit, "blog")
            await rig.expect(guest, "shared", "read by an app that was attached")
            await kit.detach(rig.name("shop"), "blog")
            if rig.subject.can("unbind"):
                require(
                    await rig.is_refused(guest, "shared"),
                    "an app reads with its credentials after it was detached",
                    "revoke them in the saga of addon_unbind",
                )
            await rig.expect(owner, "shared", "after another app was detached")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_names_that_look_alike_are_told_apart(self, rig: Rig, variant: str) -> None:
        """Each app has its own, whatever becomes of its name on a server; always the same after a repeat."""
        names = ALIKE if rig.subject.is_shared(variant) else ALIKE[:2]
        async with rig.kit() as kit:
            environs = {app: await rig.create(kit, variant, app) for app in names}
            for app, environ in environs.items():
                await rig.write(environ, app)
            for app, environ in environs.items():
                await rig.expect(environ, app, f"the app is named {app[:20]}")
            for app in names:
                await rig.destroy(kit, app)
            await rig.expect_nothing(kit, "all instances were destroyed")

    @synchronous
    async def test_many_come_and_go_at_once(self, rig: Rig, variant: str) -> None:
        """And who stays keeps server and data."""
        crowd = [f"guest{number}" for number in range(CROWD if rig.subject.is_shared(variant) else 2)]
        async with rig.kit() as kit:
            stays, *environs = await asyncio.gather(*(rig.create(kit, variant, app) for app in ("stays", *crowd)))
            if rig.subject.is_shared(variant):
                servers = {view.instance.server for view in await kit.instances()}
                require(len(servers) == 1, f"they live on {len(servers)} servers", "join a shared server by its key")
            await rig.write(stays, "here")
            for app, environ in zip(crowd, environs, strict=True):
                await rig.write(environ, app)
            await asyncio.gather(*(rig.destroy(kit, app) for app in crowd))
            await rig.expect(stays, "here", "all others were destroyed at once")
            for app, environ in zip(crowd, environs, strict=True):
                require(
                    await rig.is_refused(environ, app),
                    f"{app} was destroyed and reads its data",
                    "remove it with its login",
                )
            await rig.destroy(kit, "stays")
            await rig.expect_nothing(kit, "all instances were destroyed")

    @synchronous
    async def test_credentials_open_nothing_of_another_app(self, rig: Rig, variant: str) -> None:
        """Neither the other's place with one's own password, nor the other's login without its password."""
        async with rig.kit() as kit:
            mine = await rig.create(kit, variant, "shop")
            theirs = await rig.create(kit, variant, "blog")
            await rig.write(mine, "mine")
            await rig.write(theirs, "theirs")
            swaps = [(name,) for name, value in theirs.items() if not _is_whole_key(value, theirs)]
            for names in (*swaps, tuple(theirs.keys() - rig.sensitive)):
                require(
                    await rig.is_refused(mine | {name: theirs[name] for name in names}, "theirs"),
                    f"an app reads another's data with the other's {', '.join(sorted(names))} and its own of the rest",
                    "give each app a login of its own that reaches its own data only",
                )
            for app in ("shop", "blog"):
                await rig.destroy(kit, app)
            await rig.expect_nothing(kit, "both were destroyed")

    @synchronous
    async def test_a_server_that_was_killed_comes_back(self, rig: Rig, variant: str) -> None:
        """With its data where the variant has storage, and with its users."""
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            if not await kit.backend.pools_here():
                await rig.destroy(kit, "shop")
                return
            await rig.write(environ, "kept")
            for number in (1, 2):
                kill_servers(rig.home)
                healed = await kit.heal()
                require(not healed.failed, f"it does not start again: {healed.failed}", "start on what is there")
                kept = "kept" if rig.subject.is_persistent(variant) else None
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
    async def test_neighbours_are_told_apart(self, rig: Rig, variant: str) -> None:
        """`doctor` finds what no instance owns, so an addon with a shared variant must tell exactly its tenants."""
        require(
            not rig.subject.is_shared(variant) or {"inspect", "drop_claim"} <= rig.subject.addon.capabilities,
            "it has a shared variant and cannot tell, or drop, what lives there",
            "answer addon_inspect and addon_drop_claim, or declare `tenants` of a ServerAddon",
        )
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            await rig.create(kit, variant, "blog")
            await rig.write(environ, "mine")
            findings = [each for each in await kit.doctor() if each.kind == "orphan-claim"]
            require(not findings, f"tenants are taken for orphans: {findings}", "tell what Instance.claim tells")
            await rig.destroy(kit, "blog")
            await rig.expect(environ, "mine", "after a neighbour left")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "both were destroyed")


def _is_whole_key(value: str, environ: dict[str, str]) -> bool:
    """Whether a variable alone opens everything: a URL with the password in it."""
    return "://" in value and any(other != value and other in value for other in environ.values() if len(other) > _LONG)
