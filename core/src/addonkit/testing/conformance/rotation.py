"""Checks that credentials are replaced while they are used, and that the service holds apps to their roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

import pytest

from addonkit.kit.kit import Kit
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import fail, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import KEY, Rig, Unable
from addonkit.testing.conformance.rights import try_rights

READ_ONLY: Final = "read-only"
_LATER: Final = "later"


class RotationChecks:
    """An app and a guest use one instance."""

    @synchronous
    async def test_rotation_replaces_credentials(self, rig: Rig, variant: str) -> None:
        """Both work until the former ones are revoked; then they are refused, and their sessions end."""
        if not rig.under_test.addon.can_rotate:
            not_applicable("it has no credentials that it can replace: it does not answer addon_sessions")
        async with rig.kit() as kit, AsyncExitStack() as opened:
            former = await rig.create(kit, variant, "shop")
            await rig.write(former, "kept")
            await kit.attach(rig.name("shop"), rig.app("guest"))
            guest = await rig.environment(kit, "guest")
            session = await _open_session(rig, opened, former)

            await kit.rotations.rotate(rig.name("shop"), rig.app("shop"), grace=timedelta(0), wait=False)

            new = await rig.environment(kit, "shop")
            advice = "name credentials after association.id and association.generation in the saga of addon_bind"
            require(new != former, "an app has the same variables after its credentials were rotated", advice)
            await rig.expect(new, "kept", "with its new credentials")
            guest_now = await rig.environment(kit, "guest")
            require(guest_now == guest, "rotating the credentials of one app changes those of another", advice)
            await kit.rotations.finish(rig.name("shop"), force=True)
            await _expect_revoked(rig, former, session)
            await rig.expect(new, "kept", "after the former credentials were revoked")
            await rig.expect(guest, "kept", "of another app, after former credentials were revoked")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_an_app_that_reads_only_changes_nothing(self, rig: Rig, variant: str) -> None:
        """The role `read-only` is held by the service, also for what comes later; such a login may do no more."""
        if READ_ONLY not in rig.under_test.definition.roles:
            not_applicable(f"it offers no role {READ_ONLY}")
        async with rig.kit() as kit:
            owner = await rig.create(kit, variant, "shop")
            await rig.write(owner, "kept")
            reader = await _attach_reader(rig, kit)
            await rig.write(owner, "too", _LATER)
            await rig.expect(reader, "kept", f"an app with the role {READ_ONLY}")
            await rig.expect(reader, "too", f"an app with the role {READ_ONLY}, written after that", _LATER)
            await rig.try_to_write(reader, "changed")
            found = await rig.calls("read", owner, KEY)
            require(
                found == "kept",
                f"an app with the role {READ_ONLY} changes a value",
                "let the service refuse it: look at association.role, or Login.role, when you make credentials",
            )
            await try_rights(rig, reader, await rig.ask("reader_rights", reader))
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


async def _attach_reader(rig: Rig, kit: Kit) -> Mapping[str, str]:
    await kit.attach(rig.name("shop"), rig.app("guest"), role=READ_ONLY)
    return await rig.environment(kit, "guest")


async def _open_session(rig: Rig, opened: AsyncExitStack, environ: Mapping[str, str]) -> Callable[[str], Any] | None:
    """Open a session where the service has sessions."""
    try:
        session = await opened.enter_async_context(rig.session(environ))
    except pytest.skip.Exception:
        return None
    await session(KEY)
    return session


async def _expect_revoked(rig: Rig, former: Mapping[str, str], session: Callable[[str], Any] | None) -> None:
    advice = "remove former credentials, and end their sessions, in the saga of addon_unbind"
    let_in = await rig.is_let_in(former)
    require(not let_in, "the service lets former credentials in after they were revoked", advice)
    await rig.expect_unknown(former, "it was revoked")
    if session is None:
        return
    try:
        await session(KEY)
    except Unable:
        return
    fail("a session of former credentials goes on after they were revoked", advice)
