"""Checks that an instance moves to another variant with its data, and that nothing is lost on the way."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from addonkit.engine.failpoints import InjectedFault, at
from addonkit.errors import AddonkitError
from addonkit.kit.kit import Kit
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import fail, fail_by, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.kinds import expect_all, make_all
from addonkit.testing.conformance.rig import Rig, Unable, restarted
from addonkit.testing.conformance.rights import expect_refused, try_rights

_NEEDED: Final = ("backup", "restore", "fingerprint")
_VALUES: Final = {"greeting": "first", "empty": "", "long": "x" * 10_000, "odd": "ä\n\"'\\%{}\t\u2028"}


class MoveChecks:
    """For addons that have the hooks of backups, and another variant that keeps data."""

    @synchronous
    async def test_an_instance_moves_to_another_variant(self, rig: Rig, variant: str) -> None:
        """All data and the app are in the new place; a rollback, or a failure, leads to the old one."""
        other = _other(rig, variant)
        async with rig.kit() as kit:
            try:
                before = await rig.create(kit, variant, "shop")
                await _fail_to_change(rig, kit, before, other)
                for key, value in _VALUES.items():
                    await rig.write(before, value, key)
                # A shared server may refuse kinds that an app of its own server can keep.
                kept = {} if rig.under_test.is_shared(other) else await make_all(rig, before)
                after = await _changed(rig, kit, other)
                require(
                    after != before,
                    "the app still has the variables of the former place",
                    "make variables of the instance's own server and claim, each time anew",
                )
                for key, value in _VALUES.items():
                    await rig.expect(after, value, f"moved to {other}", key)
                await expect_all(rig, after, kept, f"moved to {other}")
                await _expect_frozen(rig, before, "")
                if rig.under_test.is_persistent(variant) and await restarted(rig, kit):
                    await _expect_frozen(rig, before, " after its server was started again")
                await rig.write(after, "second")
                await kit.backups.rollback(rig.name("shop"))
                back = await rig.environment(kit, "shop")
                for key, value in _VALUES.items():
                    await rig.expect(back, value, "rolled back", key)
                await expect_all(rig, back, kept, "rolled back")
                await try_rights(rig, back, await rig.ask("rights", back))
                await rig.write(back, "written after the rollback")
                for view in await kit.instances():
                    await kit.destroy(view.instance.name)
            finally:
                shutil.rmtree(rig.home.with_name(f"{rig.home.name}-backups"), ignore_errors=True)
            await rig.expect_nothing(kit, "the instance and its former place were destroyed")


def _other(rig: Rig, variant: str) -> str:
    """Return a variant to move to."""
    if not all(rig.under_test.can(each) for each in _NEEDED):
        not_applicable("it has nothing to back up")
    keeping = [each.name for each in rig.under_test.definition.variants if not each.is_cache]
    others = [each for each in keeping if each != variant]
    if variant not in keeping or not others:
        not_applicable("it has no other variant that keeps data")
    return others[0]


async def _fail_to_change(rig: Rig, kit: Kit, environ: Mapping[str, str], variant: str) -> None:
    """Let a change fail at its last step: the app can then do what it could before, and no more."""
    with at("before:switch_places", _fail), suppress(AddonkitError):
        await kit.changes.change(rig.name("shop"), variant)
    now = await rig.environment(kit, "shop")
    require(now == environ, "a change that failed left the app with other variables", "let addon_bind bind one place")
    await rig.write(now, "written after a change that failed")
    await try_rights(rig, now, await rig.ask("rights", now))


def _fail() -> None:
    raise InjectedFault("asked for by the conformance kit")


async def _changed(rig: Rig, kit: Kit, variant: str) -> Mapping[str, str]:
    try:
        await kit.changes.change(rig.name("shop"), variant)
    except AddonkitError as error:
        advice = "load in every variant what was dumped in any, with an equal fingerprint"
        fail_by(error, f"an instance cannot move to {variant}: {error}", advice)
    return await rig.environment(kit, "shop")


async def _expect_frozen(rig: Rig, environ: Mapping[str, str], when: str) -> None:
    """Check that nothing can be written into a place that no app is to use any more."""
    if not rig.under_test.can("freeze"):
        return
    rights: Mapping[str, bool] = await rig.ask("rights", environ)
    await expect_refused(rig, environ, [action for action, allowed in rights.items() if not allowed])
    try:
        await rig.calls("write", environ, "late", "lost")
    except Unable:
        return
    fail(
        f"an app can write into its former place{when}, where the value is lost",
        "let addon_freeze end what apps may write, whatever sessions they have, and let the server remember it",
    )
