"""Checks of an addon whose settings are wrong or missing: it says so in one line, and leaves nothing half made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

from addonkit.errors import AddonkitError
from addonkit.kit.kit import Kit
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import Rig, serving
from addonkit.testing.serving import free_port

_WRONG: Final = "conformance-wrong-secret"
_SLIPS: Final = re.compile(r"\b(Key|Attribute|Type|Index|Value|Assertion|Name)Error: ")
"""Exceptions of Python that no operator can do anything about."""


class SettingsChecks:
    """Checks of settings that an operator gets wrong. An addon without settings has nothing to show here."""

    @synchronous
    async def test_a_wrong_setting_leaves_nothing(self, rig: Rig, variant: str) -> None:
        """An endpoint where nothing listens, a secret that is wrong: `create` says so, and `destroy` works."""
        if not rig.settings:
            not_applicable("it works without settings")
        for wrong, what in _wrong(rig):
            async with wrong.kit() as kit:
                try:
                    await wrong.create(kit, variant, "shop")
                except AddonkitError as error:
                    _check_line(str(error), what)
                unfinished = [each.id for each in await kit.executions(unfinished=True)]
                require(
                    not unfinished,
                    f"{what}: create leaves an execution that cannot be undone",
                    "raise an exception with the mark NothingDone where a step had no effect",
                )
                await wrong.destroy(kit, "shop")
            async with rig.kit() as kit:
                await rig.expect_nothing(kit, f"{what}, and the instance was destroyed")

    @synchronous
    async def test_a_setting_that_was_removed_is_named(self, rig: Rig, variant: str) -> None:
        """`destroy` says what is missing; with the setting back it works."""
        required = [each.name for each in rig.under_test.definition.settings if each.default is None]
        if not set(required) & set(rig.settings):
            not_applicable("it works without settings")
        async with rig.kit() as kit:
            await rig.create(kit, variant, "shop")
        for name in required:
            without = attrs.evolve(rig, settings={n: v for n, v in rig.settings.items() if n != name})
            async with without.kit() as kit:
                try:
                    await kit.destroy(rig.name("shop"))
                except AddonkitError as error:
                    _check_line(str(error), f"{name} was removed")
        async with rig.kit() as kit:
            if await kit.instances():
                await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "a setting was removed and put back, and the instance was destroyed")

    @synchronous
    async def test_nothing_is_gone_that_is_elsewhere(self, rig: Rig, variant: str) -> None:
        """`destroy` while the settings lead to another service, which is empty: it says so, and the data stay."""
        if not rig.settings:
            not_applicable("it works without settings")
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            await rig.write(environ, "kept")
        with serving(rig.calls.client) as settings:
            if settings == rig.settings:
                async with rig.kit() as kit:
                    await rig.destroy(kit, "shop")
                not_applicable("its client gives one service only, always the same")
            elsewhere = attrs.evolve(rig, settings=settings)
            async with elsewhere.kit() as kit:
                said = await _said_when_destroyed(elsewhere, kit)
        left = ", ".join(sorted(set(rig.remains()) - rig.before))
        require(
            said or (not left and await rig.is_refused(environ, "kept")),
            f"destroy succeeds at another service, which is empty; its own still has {left or 'what an app keeps'}",
            "keep in the attributes where an instance was made; what is not found anywhere else is not gone",
        )
        if said:
            _check_line(said, "the settings lead to another service, which is empty")
            await rig.expect(environ, "kept", "destroyed while the settings led to another service")
        async with rig.kit() as kit:
            if await kit.instances():
                await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "it was destroyed with the settings of its own service again")


async def _said_when_destroyed(rig: Rig, kit: Kit) -> str:
    """Return why an instance cannot be destroyed; empty when it was."""
    try:
        await kit.destroy(rig.name("shop"))
    except AddonkitError as error:
        return str(error)
    return ""


def _wrong(rig: Rig) -> Iterator[tuple[Rig, str]]:
    """Yield the rig with one setting that is wrong, and what is."""
    definition = rig.under_test.definition
    for name, value in rig.settings.items():
        setting = definition.setting(name)
        if value.startswith(("http://", "https://")):
            nowhere = f"{value.partition(':')[0]}://127.0.0.1:{free_port()}"
            yield attrs.evolve(rig, settings={**rig.settings, name: nowhere}), f"nothing listens at {name}"
        elif setting is not None and setting.secret:
            yield attrs.evolve(rig, settings={**rig.settings, name: _WRONG}), f"{name} is wrong"


def _check_line(line: str, what: str) -> None:
    require("\n" not in line, f"{what}: it takes several lines to say so: {line}", "say it in one line")
    require(_WRONG not in line, f"{what}: the secret is in the message", "leave secrets out of messages")
    slip = _SLIPS.search(line)
    require(
        slip is None,
        f"{what}: it says {line}",
        "raise an AddonkitError that says what was attempted, what was found and what to do",
    )
