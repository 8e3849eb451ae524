"""The check of what an app may do with its login, and what it may not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from addonkit.testing.conformance.applicability import not_tried
from addonkit.testing.conformance.assertions import fail, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import Rig, Unable


class RightsChecks:
    """The author says which actions a login allows; the kit tries each of them on the server."""

    @synchronous
    async def test_an_app_may_do_what_it_should_and_no_more(self, rig: Rig, variant: str) -> None:
        """Each action that the client names as a right succeeds; each other one is refused."""
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            rights: Mapping[str, bool] = await rig.ask("rights", environ)
            if not rights:
                await rig.destroy(kit, "shop")
                not_tried("rights")
            await try_rights(rig, environ, rights)
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


async def try_rights(rig: Rig, environ: Mapping[str, str], rights: Mapping[str, bool]) -> None:
    """Try what a login must be allowed, and what it must be refused; do nothing when there is neither."""
    if len(set(rights.values())) == 1:
        fail(
            "the client names no action that is allowed, or none that is refused",
            "name both kinds in ConformanceClient.rights: an attempt that always ends alike proves nothing",
        )
    for action, allowed in rights.items():
        await _try(rig, environ, action, allowed=allowed)


async def expect_refused(rig: Rig, environ: Mapping[str, str], actions: Iterable[str]) -> None:
    """Try what a login must be refused."""
    for action in actions:
        await _try(rig, environ, action, allowed=False)


async def _try(rig: Rig, environ: Mapping[str, str], action: str, *, allowed: bool) -> None:
    try:
        await rig.calls("attempt", environ, action)
    except Unable as error:
        found = f"an app is refused what it should be allowed: {action}: {type(error).__name__}: {error}"
        require(not allowed, found, "give each login this right, or name it no longer in ConformanceClient.rights")
        return
    require(
        allowed,
        f"an app is allowed what it should be refused: {action}",
        "take this right from logins of apps, on a server of their own too",
    )
