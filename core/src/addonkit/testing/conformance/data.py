"""Checks of backups: what an app keeps comes back from an archive, and a fingerprint tells when it did not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from addonkit.errors import AddonkitError
from addonkit.kit.kit import Kit
from addonkit.models.fingerprint import Fingerprint
from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import fail_by, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.isolation import expect_no_inheritance
from addonkit.testing.conformance.kinds import change, expect_all, expect_none, make, make_all
from addonkit.testing.conformance.options import other_values
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.conformance.secret_tracker import shown_in

_NEEDED: Final = ("backup", "restore", "fingerprint")
_VALUES: Final = {"greeting": "first", "empty": "", "long": "x" * 100_000, "odd": "ä\n\"'\\%{}\t\u2028"}
_ADVICE: Final = "write all data of the instance into the archive, and load all of it"


class DataChecks:
    """For addons that have the hooks of backups; a cache has none."""

    def test_backups_are_whole(self, addon_name: str) -> None:
        """An addon has all three hooks of backups, or none."""
        addon = AddonUnderTest.find(addon_name).addon
        missing = [each for each in _NEEDED if each not in addon.capabilities]
        require(
            len(missing) in {0, len(_NEEDED)},
            f"it has no addon_{', addon_'.join(missing)}",
            "write addon_backup, addon_restore and addon_fingerprint, or none of them",
        )

    @synchronous
    async def test_data_come_back_from_a_backup(self, rig: Rig, variant: str) -> None:
        """Into an empty instance, equal; the instance that was backed up is as it was before."""
        needs_backups(rig, variant)
        async with rig.kit() as kit:
            with _repository(rig):
                environ = await rig.create(kit, variant, "shop")
                empty = await _backed_up(rig, kit, "an empty instance")
                for key, value in _VALUES.items():
                    await rig.write(environ, value, key)
                kept = await make_all(rig, environ)
                await _expect_no_secret(kit, await _backed_up(rig, kit, "an instance with data"))
                for key, value in _VALUES.items():
                    await rig.expect(environ, value, "after it was backed up", key)
                await rig.write(environ, "second")
                restored = await _restored(rig, kit, "")
                for key, value in _VALUES.items():
                    await rig.expect(restored, value, "restored from a backup", key)
                await expect_all(rig, restored, kept, "restored from a backup")
                await expect_no_inheritance(rig, environ, restored, "what was restored from a backup", "first")
                await rig.write(restored, "written after the restore")
                await _expect_former(rig, kit, "second")
                bare = await _restored(rig, kit, empty)
                for key in _VALUES:
                    await rig.expect(bare, None, "restored from the backup of an empty instance", key)
                await expect_none(rig, bare, kept, "restored from the backup of an empty instance")
                await _destroy_all(kit)
            await rig.expect_nothing(kit, "the instance and its former ones were destroyed")

    @synchronous
    async def test_a_fingerprint_tells_data_apart(self, rig: Rig, variant: str) -> None:
        """It changes with each value, and is the same again when the data are."""
        needs_backups(rig, variant)
        async with rig.kit() as kit:
            with _repository(rig):
                environ = await rig.create(kit, variant, "shop")
                found = [await _fingerprint(rig, kit)]
                for key, value in (("one", "a"), ("one", "b"), ("two", "a"), ("one", "a")):
                    await rig.write(environ, value, key)
                    found.append(await _fingerprint(rig, kit))
                for kind in await rig.ask("kinds", environ):
                    await make(rig, environ, kind)
                    found.append(await _fingerprint(rig, kit))
                same = [(a, b) for a in range(len(found)) for b in range(a) if not found[a].differences(found[b])]
                require(not same, "other data have the same fingerprint", "digest the key and the value of each item")
                await _expect_told_apart(rig, kit, environ)
                found.append(await _fingerprint(rig, kit))
                await rig.write(environ, "b", "one")
                await rig.write(environ, "a", "one")
                again = found[-1].differences(await _fingerprint(rig, kit))
                require(not again, f"the same data have another fingerprint: {'; '.join(again)}", "digest data alone")
                await _expect_no_options(rig, kit, variant)
                await _destroy_all(kit)

    @synchronous
    async def test_a_killed_backup_leaves_nothing(self, rig: Rig, variant: str) -> None:
        """After a kill in each of the steps, one after the other, a backup succeeds and nothing else is there."""
        needs_backups(rig, variant)
        with _repository(rig):
            async with rig.kit() as kit:
                await rig.write(await rig.create(kit, variant, "shop"), "first")
            killed = _kill_at_each_step(rig)
            async with rig.kit() as kit:
                await _backed_up(rig, kit, f"an instance whose backup was killed after {killed}")
                left = [each.instance.name for each in await kit.instances()]
                require(left == [rig.name("shop")], f"{', '.join(left)} are there", "load what may be there again")
                await _destroy_all(kit)
                await rig.expect_nothing(kit, "the instance was destroyed")


async def _expect_no_options(rig: Rig, kit: Kit, variant: str) -> None:
    """Options are not data: a backup from before they were changed comes back into an instance that has others."""
    wanted = other_values(rig.under_test.definition.options_of(variant))
    if not wanted:
        return
    before = await _fingerprint(rig, kit)
    await kit.options.set(rig.name("shop"), wanted)
    differences = before.differences(await _fingerprint(rig, kit))
    require(
        not differences,
        f"the same data have another fingerprint after {', '.join(sorted(wanted))} changed: {'; '.join(differences)}",
        "leave out of the fingerprint what options set",
    )


def needs_backups(rig: Rig, variant: str) -> None:
    """End the check where there is nothing to back up."""
    found = rig.under_test.addon.definition.variant(variant)
    if (found and found.is_cache) or not all(rig.under_test.can(each) for each in _NEEDED):
        not_applicable("it has nothing to back up")


def _kill_at_each_step(rig: Rig) -> str:
    """Kill a backup after each step; each finds what the one before has left. Return the last step that was killed."""
    before = ""
    for step in _steps(rig):
        ended = rig.kill("backup", "create", rig.name("shop"), point=f"after:{step}=kill")
        which = f"an instance whose backup was killed after {before}" if before else "an instance"
        require(not ended or "status 0:" in ended, f"{which} cannot be backed up: {ended}", _ADVICE)
        before = before if ended else step
    return before


def _steps(rig: Rig) -> list[str]:
    return [name for saga in rig.under_test.moving() for name in saga.step_names]


@contextmanager
def _repository(rig: Rig) -> Iterator[None]:
    """Yield the directory beside the home, removed at the end."""
    try:
        yield
    finally:
        shutil.rmtree(rig.home.with_name(f"{rig.home.name}-backups"), ignore_errors=True)


async def _backed_up(rig: Rig, kit: Kit, what: str) -> str:
    """Return the name of a backup that was written and proved."""
    try:
        return (await kit.backups.create(rig.name("shop"))).name
    except AddonkitError as error:
        fail_by(error, f"{what} cannot be backed up: {error}", _ADVICE)


async def _expect_no_secret(kit: Kit, name: str) -> None:
    """Check what any tool shows of an archive: names of members, and the manifest."""
    async with kit.backups.reading(name) as reader:
        names = [member.name async for member in reader.members()]
        shown = [each for each in (*names, repr(reader.manifest)) if shown_in(each)]
    require(not shown, "a password is part of an archive's names", "name members after what they hold")


async def _restored(rig: Rig, kit: Kit, backup: str) -> Mapping[str, str]:
    try:
        await kit.backups.restore(rig.name("shop"), backup=backup)
    except AddonkitError as error:
        fail_by(error, f"a backup cannot be restored: {error}", _ADVICE)
    return await rig.environment(kit, "shop")


async def _expect_former(rig: Rig, kit: Kit, value: str) -> None:
    """Look into the instance from before a restore, and come back."""
    await kit.backups.rollback(rig.name("shop"))
    await rig.expect(await rig.environment(kit, "shop"), value, "rolled back after a restore")
    await kit.backups.rollback(rig.name("shop"))


async def _fingerprint(rig: Rig, kit: Kit) -> Fingerprint:
    try:
        name = (await kit.backups.create(rig.name("shop"), verify=False)).name
        async with kit.backups.reading(name) as reader:
            return (await reader.drain()).fingerprint
    except AddonkitError as error:
        fail_by(error, f"an instance cannot be backed up: {error}", _ADVICE)


async def _expect_told_apart(rig: Rig, kit: Kit, environ: Mapping[str, str]) -> None:
    """Change what a thing of each kind holds."""
    before = await _fingerprint(rig, kit)
    for kind in await rig.ask("kinds", environ):
        if not await change(rig, environ, kind):
            continue
        after = await _fingerprint(rig, kit)
        advice = "digest all that things of this kind hold"
        require(after.differences(before), f"a {kind} was changed, and the fingerprint is the same", advice)
        before = after


async def _destroy_all(kit: Kit) -> None:
    for view in await kit.instances():
        await kit.destroy(view.instance.name)
