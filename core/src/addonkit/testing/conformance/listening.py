"""Checks that apps verify a server that listens for other machines, and that its certificate is renewed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from addonkit.errors import AddonkitError
from addonkit.kit.kit import Kit
from addonkit.models.options import LISTEN
from addonkit.provider.certificates import make_authority
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import fail_by, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import Rig

_ADDRESS: Final = "127.0.0.2"
"""Of each Linux machine, and not the one on which all servers listen."""


class ListeningChecks:
    """An addon whose servers listen on loopback alone has nothing to show here."""

    @synchronous
    async def test_apps_verify_a_server_that_listens(self, rig: Rig, variant: str) -> None:
        """With another authority they refuse it, and they take the certificate that it has after a renewal."""
        if not rig.under_test.definition.options_of(variant).offers(LISTEN):
            not_applicable("its servers listen on loopback alone")
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop", options={LISTEN: _ADDRESS})
            await rig.write(environ, "kept")
            await rig.expect(environ, "kept", f"its server listens at {_ADDRESS}")
            let_in = await rig.is_let_in(_forged(rig, environ, kit.framework.certificates.file))
            advice = "tell apps in variables to verify the server by ConnectionInfo.ca_file: sslmode=verify-full or so"
            require(not let_in, "an app trusts a server whose certificate another authority has signed", advice)
            await rig.forget_authority()
            await _renew(rig, kit)
            await rig.expect(environ, "kept", "another authority has signed the certificate since")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


def _forged(rig: Rig, environ: Mapping[str, str], file: str) -> dict[str, str]:
    """Return what an app receives, with an authority that has not signed the certificate of its server."""
    other = Path(rig.home, "other.crt")
    other.write_text(make_authority(datetime.now(UTC).replace(microsecond=0)).text)
    forged = {name: value.replace(file, str(other)) for name, value in environ.items()}
    advice = "give ConnectionInfo.ca_file to apps in a variable, and name that in the definition's `tls_variables`"
    require(forged != environ, "no variable has the file with which apps verify the server", advice)
    return forged


async def _renew(rig: Rig, kit: Kit) -> None:
    view = await kit.show(rig.name("shop"))
    try:
        await kit.certificates.renew(view.instance.server)
    except AddonkitError as error:
        fail_by(error, f"the certificate cannot be renewed: {error}", "see addon_renew_certificate")
