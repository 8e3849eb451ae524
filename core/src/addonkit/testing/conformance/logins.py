"""Checks that what opens an instance ends with it: logins, sessions that are open, credentials of a former life."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from addonkit.testing.conformance.assertions import require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.kinds import expect_none, make_all
from addonkit.testing.conformance.rig import KEY, Rig, Unable, restarted, words_of


class LoginChecks:
    """A neighbour stays all the while, so that a shared server goes on running."""

    @synchronous
    async def test_a_login_ends_with_its_instance(self, rig: Rig, variant: str) -> None:
        """The service refuses it, also when the same app has a new instance; `doctor` finds nothing wrong meanwhile."""
        async with rig.kit() as kit:
            stays = await rig.create(kit, variant, "blog")
            await rig.write(stays, "mine")
            former = await rig.create(kit, variant, "shop")
            await rig.write(former, "former")
            kept = await make_all(rig, former)
            await rig.destroy(kit, "shop")
            await _expect_shut(rig, former, "its instance was destroyed")
            await rig.expect(stays, "mine", "after a neighbour was destroyed")
            if rig.under_test.is_shared(variant) and await restarted(rig, kit):
                await _expect_shut(rig, former, "its instance was destroyed and the server was started again")
            findings = [each for each in await kit.doctor() if each.subject and "orphan" in each.kind]
            require(
                not findings,
                f"while a neighbour lives, doctor finds {words_of(findings)}",
                "remove it when deprovisioning",
            )
            present = await rig.create(kit, variant, "shop")
            await _expect_shut(rig, former, "the same app has a new instance")
            await rig.expect(present, None, "it is a new instance of an app that had one")
            await expect_none(rig, present, kept, "it is a new instance of an app that had one")
            for app in ("shop", "blog"):
                await rig.destroy(kit, app)
            await rig.expect_nothing(kit, "both were destroyed")

    @synchronous
    async def test_sessions_end_with_the_login(self, rig: Rig, variant: str) -> None:
        """A connection that an app keeps open does not outlive `detach` and `destroy`."""
        async with rig.kit() as kit, AsyncExitStack() as opened:
            stays = await rig.create(kit, variant, "blog")
            await rig.write(stays, "mine")
            neighbour = await opened.enter_async_context(rig.session(stays))
            owner = await rig.create(kit, variant, "shop")
            await rig.write(owner, "kept")
            session = await opened.enter_async_context(rig.session(owner))
            await _expect_open(session, "open")
            if rig.under_test.can("unbind"):
                await kit.attach(rig.name("shop"), rig.app("guest"))
                guest = await opened.enter_async_context(rig.session(await rig.environment(kit, "guest")))
                await _expect_open(guest, "of an app that was attached")
                await kit.detach(rig.name("shop"), rig.app("guest"))
                await _expect_ended(guest, "its app was detached")
                await _expect_open(session, "of the owner, and another app was detached")
            await rig.destroy(kit, "shop")
            await _expect_ended(session, "its instance was destroyed")
            await _expect_open(neighbour, "of a neighbour of what was destroyed")
            await rig.destroy(kit, "blog")
            await rig.expect_nothing(kit, "both were destroyed")


async def _expect_shut(rig: Rig, environ: Mapping[str, str], why: str) -> None:
    require(
        not await rig.is_let_in(environ),
        f"the service lets the old credentials in after {why}",
        "remove the login together with the data; let ConformanceClient.read raise when a login is refused",
    )
    await rig.expect_unknown(environ, why)


async def _expect_open(ask: Callable[[str], Any], what: str) -> None:
    try:
        await ask(KEY)
    except Unable as error:
        found = f"a session that is {what} does not answer: {type(error).__name__}: {error}"
        require(False, found, "end the sessions of one login alone")  # noqa: FBT003 - fails


async def _expect_ended(ask: Callable[[str], Any], why: str) -> None:
    try:
        await ask(KEY)
    except Unable:
        return
    require(
        False,  # noqa: FBT003 - fails
        f"a session that was open before goes on after {why}",
        "end the sessions of a login when you remove it: on many servers they outlive it",
    )
