"""Checks of how hooks and steps behave in the process that asks them: hooks do nothing, steps wait politely."""

from __future__ import annotations

from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.assertions import require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.audit_hooks import watching_calls
from addonkit.testing.conformance.loop_watch import watching_loop
from addonkit.testing.conformance.rig import Rig


class HookChecks:
    """Of every variant."""

    def test_hooks_do_no_io(self, addon_name: str) -> None:
        """A hook answers with a description: it opens no file, asks no service, starts nothing and does not sleep."""
        under_test = AddonUnderTest.find(addon_name)
        under_test.sagas()  # which imports what is imported late
        with watching_calls(under_test.package) as calls:
            under_test.sagas()
        require(
            not calls,
            f"a hook does I/O: {'; '.join(dict.fromkeys(calls))}",
            "do it in a step of the saga that the hook answers",
        )

    @synchronous
    async def test_steps_leave_the_loop_free(self, rig: Rig, variant: str) -> None:
        """While a step waits, other steps go on: it calls nothing that blocks the event loop."""
        async with rig.kit() as kit:
            with watching_loop(rig.under_test.package) as blocked:
                await rig.create(kit, variant, "shop")
                await rig.destroy(kit, "shop")
            require(
                not blocked,
                f"a step blocks the event loop: {'; '.join(dict.fromkeys(blocked))}",
                "await it, or call it with `await asyncio.to_thread(...)`",
            )
            await rig.expect_nothing(kit, "the instance was destroyed")
