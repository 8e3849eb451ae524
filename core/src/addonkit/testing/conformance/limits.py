"""Checks that an app cannot fill a disk that is nearly full, for addons that say how."""

from __future__ import annotations

from typing import Final
from unittest.mock import patch

from addonkit.kit import storage
from addonkit.kit.kit import Kit
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import fail, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import Rig, Unable

_ADVICE: Final = "let addon_limit_writes take the right to write from every login, and end or change what is open"


class LimitChecks:
    """The disk counts as full because the kit says that it may hold one byte."""

    @synchronous
    async def test_an_app_cannot_fill_a_full_disk(self, rig: Rig, variant: str) -> None:
        """It reads and writes no more, until there is room again."""
        if not rig.under_test.can("limit_writes") or not rig.under_test.is_persistent(variant):
            not_applicable("it keeps no app from writing: it does not answer addon_limit_writes, or has no disk")
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            await rig.write(environ, "kept")
            with patch.object(storage, "limit_of", lambda _server: 1):
                await _look(kit)
                await rig.expect(environ, "kept", "while the disk is full")
                await _expect_refused(rig, environ)
            await _look(kit)
            await rig.write(environ, "written again", why="there is room on the disk again")
            await rig.expect(environ, "written again", "there is room on the disk again")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


async def _look(kit: Kit) -> None:
    told: list[str] = []
    await kit.storage.check_once(told.append)
    faults = [each for each in told if "cannot be limited" in each]
    require(not faults, f"addon_limit_writes fails: {'; '.join(faults)}", "fix the saga of addon_limit_writes")


async def _expect_refused(rig: Rig, environ: dict[str, str]) -> None:
    try:
        await rig.calls("write", environ, "more", "x" * 1000)
    except Unable:
        return
    fail("an app writes to a disk that is full", _ADVICE)
