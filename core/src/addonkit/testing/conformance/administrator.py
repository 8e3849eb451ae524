"""Checks that the administrator of a server gets another password, while apps use it and after it was lost."""

from __future__ import annotations

from typing import Final

from addonkit.errors import AddonkitError
from addonkit.kit.kit import Kit
from addonkit.models.secret import Secret
from addonkit.provider.server_addon.declaration import ADMIN_PASSWORD
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import fail_by, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import Rig

_LOST: Final = "answer addon_reset_admin so that the server lets its administrator in with Server.attributes"
_REPLACED: Final = "let the administrator in with each password that `set_admin_passwords` is given, or with the last"


class AdministratorChecks:
    """An app uses the server meanwhile, and another one comes afterwards: the addon works on the server for it."""

    @synchronous
    async def test_the_administrator_gets_another_password(self, rig: Rig, variant: str) -> None:
        """Apps keep their data and variables, and the server takes on another app, before and after a restart."""
        if not rig.under_test.can("rotate_admin"):
            not_applicable("it replaces no password of an administrator: it does not answer addon_rotate_admin")
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            await rig.write(environ, "kept")
            try:
                await kit.admin_passwords.rotate(rig.name("shop"))
                await _restart(rig, kit)  # before any other change, with which the server would keep this one
                await _take_on(rig, kit, "guest")
                await kit.admin_passwords.rotate(rig.name("shop"))
                await _take_on(rig, kit, "late")
            except AddonkitError as error:
                fail_by(error, f"the administrator's password cannot be replaced: {error}", _REPLACED)
            await _expect_same(rig, kit, variant, environ)

    @synchronous
    async def test_a_lost_password_of_the_administrator_is_made_anew(self, rig: Rig, variant: str) -> None:
        """The server has another password than the one that is recorded; then it has that one."""
        if not rig.under_test.can("reset_admin"):
            not_applicable("it has no way to its server without a password: it does not answer addon_reset_admin")
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            await rig.write(environ, "kept")
            server = (await kit.show(rig.name("shop"))).instance.server
            await kit.framework.servers.change_attributes(server, **{ADMIN_PASSWORD: Secret.generate()})
            try:
                await kit.admin_passwords.reset(rig.name("shop"))
                await _take_on(rig, kit, "guest")
            except AddonkitError as error:
                fail_by(error, f"the administrator's password cannot be made anew: {error}", _LOST)
            await _expect_same(rig, kit, variant, environ)


async def _take_on(rig: Rig, kit: Kit, part: str) -> None:
    await kit.attach(rig.name("shop"), rig.app(part))


async def _restart(rig: Rig, kit: Kit) -> None:
    for target in await kit.servers(rig.name("shop")):
        await kit.restart(target)


async def _expect_same(rig: Rig, kit: Kit, variant: str, environ: dict[str, str]) -> None:
    now = await rig.environment(kit, "shop")
    require(now == environ, "an app has other variables after the administrator got another password", _REPLACED)
    if rig.under_test.is_persistent(variant):
        await rig.expect(environ, "kept", "after the administrator got another password")
    await rig.destroy(kit, "shop")
    await rig.expect_nothing(kit, "the instance was destroyed")
