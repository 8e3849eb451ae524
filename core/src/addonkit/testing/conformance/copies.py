"""Checks that a copy of an instance has all its data, and is another instance from then on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Final

from addonkit.errors import AddonkitError
from addonkit.kit.kit import Kit
from addonkit.testing.conformance.assertions import fail_by, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.data import needs_backups
from addonkit.testing.conformance.isolation import expect_no_inheritance
from addonkit.testing.conformance.kinds import expect_all, make_all
from addonkit.testing.conformance.options import other_values
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.conformance.rights import try_rights

_VALUES: Final = {"greeting": "first", "empty": "", "odd": "ä\n\"'\\%{}\t\u2028"}
_ADVICE: Final = "let addon_copy fill the target with all of the source, as its own; or leave it out, for a backup"


class CopyChecks:
    """For addons that have the hooks of backups; with addon_copy the server itself may make the copy."""

    @synchronous
    async def test_a_copy_has_all_and_stands_alone(self, rig: Rig, variant: str) -> None:
        """`clone` gives another app the data; neither sees what the other writes, and one outlives the other."""
        needs_backups(rig, variant)
        chosen = other_values(rig.under_test.definition.options_of(variant))
        async with rig.kit() as kit:
            try:
                original = await rig.create(kit, variant, "shop", options=chosen)
                for key, value in _VALUES.items():
                    await rig.write(original, value, key)
                kept = await make_all(rig, original)
                copy = await _cloned(rig, kit)
                for key, value in _VALUES.items():
                    await rig.expect(copy, value, "in a copy", key)
                await expect_all(rig, copy, kept, "in a copy")
                await _expect_options(rig, variant, original, copy)
                await rig.write(copy, "of the copy")
                await rig.expect(original, "first", "after its copy was changed")
                await expect_no_inheritance(rig, original, copy, "a copy", "of the copy")
                await rig.write(original, "of the original")
                await rig.expect(copy, "of the copy", "after its original was changed")
                await try_rights(rig, copy, await rig.ask("rights", copy))
                await rig.write(copy, "still there")  # an action that is allowed may have emptied it
                await rig.destroy(kit, "shop")
                await rig.expect(copy, "still there", "after its original was destroyed")
                await rig.destroy(kit, "guest")
            finally:
                shutil.rmtree(rig.home.with_name(f"{rig.home.name}-backups"), ignore_errors=True)
            await rig.expect_nothing(kit, "the instance and its copy were destroyed")


async def _expect_options(rig: Rig, variant: str, original: Mapping[str, str], copy: Mapping[str, str]) -> None:
    """Options hold in a copy: a limit that ended there would end for the whole server."""
    before, after = await rig.ask("facts", original), await rig.ask("facts", copy)
    for option in rig.under_test.definition.options_of(variant).offered:
        value, found = before.get(option.name), after.get(option.name)
        require(
            value == found,
            f"a copy has {option.name} {found} instead of {value}",
            "apply the options of the target once it is filled",
        )


async def _cloned(rig: Rig, kit: Kit) -> Mapping[str, str]:
    try:
        await kit.moves.clone(rig.name("shop"), rig.app("guest"))
    except AddonkitError as error:
        fail_by(error, f"an instance cannot be copied: {error}", _ADVICE)
    return await rig.environment(kit, "guest")
