"""Checks that apps which use the same addon do not meet, whatever their names, also while others come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import permutations

from addonkit.errors import InvalidName
from addonkit.kit.kit import Kit
from addonkit.models.views import Finding
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import fail, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.forgery import attempts, attempts_as_itself
from addonkit.testing.conformance.rig import Rig, restarted, words_of

ALIKE = ("my-app", "my_app", "My.App")
"""Names that sanitize alike."""

COLLIDING = ("myxapp", "my", "my-app-2", "sixteen-letters-1", "sixteen-letters-2", "y" * 60 + "1", "y" * 60 + "2")
"""Names beside ALIKE that are one where a name is a pattern, a beginning, or cut short."""

INTRUDING = (*((name, "myxapp") for name in ALIKE), *permutations(ALIKE, 2), ("my", "my-app-2"), ("my-app-2", "my"))
"""Who tries to reach whom. Which of ALIKE gets the plain name, and which a suffix, is chance: each is tried."""

STRANGE = ("postgres", "root", "default", "admin", "1st", "x" * 200)
"""Names that services keep for themselves, and the longest there may be."""

FOREIGN = "läden"
"""A name that no app may have."""


class IsolationChecks:
    """Several apps, on one server or on several."""

    @synchronous
    async def test_another_app_can_be_given_the_same(self, rig: Rig, variant: str) -> None:
        """`attach` shares the data; after `detach` what the app was given of its own is dead."""
        async with rig.kit() as kit:
            owner = await rig.create(kit, variant, "shop")
            await rig.write(owner, "shared")
            await kit.attach(rig.name("shop"), rig.app("blog"))
            guest = await rig.environment(kit, "blog")
            await rig.expect(guest, "shared", "read by an app that was attached")
            await kit.detach(rig.name("shop"), rig.app("blog"))
            if rig.under_test.can("unbind"):
                require(
                    await rig.is_refused(guest, "shared"),
                    "an app reads with its credentials after it was detached",
                    "revoke them in the saga of addon_unbind",
                )
                await rig.expect_unknown(guest, "its app was detached")
            await rig.expect(owner, "shared", "after another app was detached")
            if rig.under_test.can("unbind") and rig.under_test.is_persistent(variant) and await restarted(rig, kit):
                require(
                    await rig.is_refused(guest, "shared"),
                    "an app reads with its credentials after it was detached and the server was started again",
                    "let the server keep on its disk that they were revoked",
                )
                await rig.expect(owner, "shared", "after another app was detached and the server was started again")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_names_that_look_alike_are_kept_apart(self, rig: Rig, variant: str) -> None:
        """Each app has its own, whatever becomes of its name; one that no app may have makes nothing."""
        meet = rig.under_test.meets_others(variant)
        at_once, others = (ALIKE + COLLIDING + STRANGE, ()) if meet else (ALIKE, STRANGE)
        async with rig.kit() as kit:
            with suppress(InvalidName):
                await kit.create(rig.spec(variant), FOREIGN)
                fail(f"an app can be named {FOREIGN}", "leave names to the core's own check")
            for names in (at_once, *((name,) for name in others)):
                await _live_side_by_side(rig, kit, variant, names)
            await rig.expect_nothing(kit, "all instances were destroyed")

    @synchronous
    async def test_credentials_open_nothing_of_another_app(self, rig: Rig, variant: str) -> None:
        """An app that knows all of another but its secrets gets nowhere: with its own, none, or a nearly right one."""
        async with rig.kit() as kit:
            mine = await rig.create(kit, variant, "shop")
            theirs = await rig.create(kit, variant, "blog")
            await rig.write(mine, "mine")
            await rig.write(theirs, "theirs")
            await _expect_closed(rig, mine, theirs)
            for app in ("shop", "blog"):
                await rig.destroy(kit, app)
            await rig.expect_nothing(kit, "both were destroyed")

    @synchronous
    async def test_an_app_sees_nothing_of_another(self, rig: Rig, variant: str) -> None:
        """Not even the names under which others keep their data."""
        async with rig.kit() as kit:
            mine = await rig.create(kit, variant, "shop")
            theirs = await rig.create(kit, variant, "blog")
            await rig.write(mine, "mine", "a-key-of-mine")
            await rig.write(theirs, "theirs", "a-key-of-theirs")
            for environ, own, other in (
                (mine, "a-key-of-mine", "a-key-of-theirs"),
                (theirs, "a-key-of-theirs", "a-key-of-mine"),
            ):
                seen = await rig.keys(environ)
                require(
                    seen is None or any(own in each for each in seen),
                    "an app does not see its own keys",
                    "let ConformanceClient.keys list what the app can see",
                )
                require(
                    not any(other in each for each in seen or ()),
                    "an app sees the names of what another one keeps",
                    "let an app list its own place only, or nothing",
                )
            for app in ("shop", "blog"):
                await rig.destroy(kit, app)
            await rig.expect_nothing(kit, "both were destroyed")

    @synchronous
    async def test_neighbours_are_kept_apart(self, rig: Rig, variant: str) -> None:
        """`doctor` finds what no instance owns, so an addon with a shared variant must tell exactly its tenants."""
        require(
            not rig.under_test.is_shared(variant) or {"inspect", "drop_claim"} <= rig.under_test.addon.capabilities,
            "it has a shared variant and cannot tell, or drop, what lives there",
            "answer addon_inspect and addon_drop_claim, or declare `tenants` of a ServerAddon",
        )
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            await rig.create(kit, variant, "blog")
            await rig.write(environ, "mine")
            findings = await _orphans(kit)
            require(
                not findings,
                f"tenants are taken for orphans: {words_of(findings)}",
                "tell what Instance.claim tells",
            )
            await rig.destroy(kit, "blog")
            await rig.expect(environ, "mine", "after a neighbour left")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "both were destroyed")

    @synchronous
    async def test_a_claim_without_an_owner_is_dropped(self, rig: Rig, variant: str) -> None:
        """`doctor --fix` removes a tenant without an instance, and no other."""
        if not rig.under_test.is_shared(variant):
            not_applicable("its instances share no server")
        async with rig.kit() as kit:
            stays = await rig.create(kit, variant, "shop")
            lost = await rig.create(kit, variant, "blog")
            await rig.write(stays, "mine")
            await rig.write(lost, "lost")
            await rig.forget("blog")
            findings = await _orphans(kit)
            require(len(findings) == 1, f"of one lost tenant it tells {len(findings)}", "list all tenants there are")
            for _ in range(2):
                await kit.fix(findings)
            require(await rig.is_refused(lost, "lost"), "a lost tenant stays", "remove what addon_drop_claim names")
            await rig.expect(stays, "mine", "a lost neighbour was dropped")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "a lost tenant was dropped and the other one destroyed")


async def expect_no_inheritance(
    rig: Rig, source: Mapping[str, str], made: Mapping[str, str], what: str, value: str
) -> None:
    """Check that credentials of an instance do not open what was made from it."""
    for attempt in attempts_as_itself(source, made, rig.sensitive):
        require(
            await rig.is_refused(attempt.environ, value),
            f"{what} opens with the password of what it was made from: {attempt.words}",
            "leave logins and passwords out of what is copied, and let the target keep its own",
        )


async def _live_side_by_side(rig: Rig, kit: Kit, variant: str, names: Sequence[str]) -> None:
    rig.apps.update({name: name for name in names})
    environs = dict(zip(names, await asyncio.gather(*(rig.create(kit, variant, app) for app in names)), strict=True))
    for app, environ in environs.items():
        await rig.write(environ, app, why=f"the app is named {app[:20]}, and others are named alike")
    for app, environ in environs.items():
        await rig.expect(environ, app, f"the app is named {app[:20]}")
    for one, other in INTRUDING:
        if one in environs and other in environs:
            await _expect_apart(rig, (one, environs[one]), (other, environs[other]))
    await asyncio.gather(*(rig.destroy(kit, app) for app in names))


async def _expect_apart(rig: Rig, one: tuple[str, Mapping[str, str]], other: tuple[str, Mapping[str, str]]) -> None:
    """Check that an app whose name is like another's does not reach what that keeps."""
    for attempt in attempts(one[1], other[1], rig.sensitive):
        if attempt.writes and "password" not in attempt.words:
            require(
                await rig.is_refused(attempt.environ, other[0]),
                f"app {one[0]} reads the data of app {other[0]} with {attempt.words}",
                "fix what opens data of any app, if another check says so; else quote names, and compare them whole",
            )


async def _expect_closed(rig: Rig, mine: Mapping[str, str], theirs: Mapping[str, str]) -> None:
    """Try everything that an intruder can make of two sets of variables."""
    for attempt in attempts(mine, theirs, rig.sensitive):
        refused = await rig.is_refused(attempt.environ, "theirs")
        if not attempt.writes:
            require(
                refused,
                f"an app reads another's data with {attempt.words}",
                "remove logins that the server came with, at every address, or give each a password that no app knows",
            )
            continue
        require(
            refused,
            f"an app reads another's data with {attempt.words}",
            "give each app a login that reaches its own data only; let the server check the whole password",
        )
        await rig.try_to_write(attempt.environ, "overwritten")
        require(
            not await rig.is_refused(theirs, "theirs"),
            f"an app overwrites another's data with {attempt.words}",
            "give each app a login that writes its own data only",
        )


async def _orphans(kit: Kit) -> list[Finding]:
    findings = await kit.doctor()
    unasked = [each.problem for each in findings if each.kind == "server-down"]
    require(
        not unasked,
        f"doctor finds: {'; '.join(unasked)}",
        "fix `list_claims`, or the saga of addon_inspect: it fails while apps live on the server",
    )
    return [each for each in findings if each.kind == "orphan-claim"]
