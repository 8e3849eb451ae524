"""Checks that options hold: what a user sets is what the server says."""

from __future__ import annotations

from typing import Final

from addonkit.errors import AddonkitError
from addonkit.kit.kit import Kit
from addonkit.models.option_values import OptionType, amount_of
from addonkit.models.options import OptionDefinition, Options, normalized
from addonkit.testing.conformance.applicability import not_applicable, not_tried
from addonkit.testing.conformance.assertions import fail_by, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import Rig

_OF_THE_CORE: Final = frozenset({"storage"})
"""Options that no server knows."""

_FIRST: Final = {OptionType.SIZE: 64 << 20, OptionType.STORAGE: 1 << 30, OptionType.DURATION: 90_000}
_UNIT: Final = {OptionType.SIZE: (1 << 10, "kB"), OptionType.STORAGE: (1 << 30, "Gi"), OptionType.DURATION: (1, "ms")}


class OptionChecks:
    """Each option that can be changed is changed. An addon without options has nothing to show here."""

    @synchronous
    async def test_an_option_that_is_set_is_what_the_server_says(self, rig: Rig, variant: str) -> None:
        """After `set`, the server tells the new values; after a reset, the former ones."""
        options = rig.under_test.definition.options_of(variant)
        wanted = other_values(options)
        if not wanted:
            not_applicable("it has no options of which another value is known")
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            await rig.write(environ, "kept")
            before = await rig.ask("facts", environ)
            name = rig.name("shop")
            after = before
            live = {each.name for each in options.offered if not each.restart}
            for some in ({each for each in wanted if each in live}, {each for each in wanted if each not in live}):
                values = {each: wanted[each] for each in sorted(some)}
                environ, after = await _set(rig, kit, values) if values else (environ, after)
            if rig.under_test.is_persistent(variant):
                await rig.expect(environ, "kept", "options were changed")
            await kit.options.set(name, {}, reset=tuple(wanted))
            again = await rig.ask("facts", await rig.environment(kit, "shop"))
            _compare({each: before[each] for each in wanted if each in before}, again, "the options were reset")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")
            missing = sorted(set(wanted) - set(after))
        if missing:
            not_tried("facts")


async def _set(rig: Rig, kit: Kit, values: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Set options, and compare them with what the server says; what the app has then, and what the server said."""
    try:
        await kit.options.set(rig.name("shop"), values)
    except AddonkitError as error:
        fail_by(error, f"options cannot be set: {error}", "let the server take every value that is allowed")
    environ = await rig.environment(kit, "shop")
    after: dict[str, str] = await rig.ask("facts", environ)
    _compare(values, after, f"{', '.join(values)} was set")
    return environ, after


def other_values(options: Options) -> dict[str, str]:
    """Return a value for each option that can be changed, another one than its default; without those of the core."""
    found = {each.name: another_value(each, options.default(each.name)) for each in options.offered}
    return {name: value for name, value in found.items() if value and name not in _OF_THE_CORE}


def another_value(option: OptionDefinition, default: str) -> str:
    """Return a value that is allowed and is not the default; empty when none can be thought of."""
    if not option.changeable:
        return ""
    for candidate in _candidates(option, default):
        try:
            value = normalized(option, candidate)
        except ValueError:
            continue
        if value != default:
            return value
    return ""


def _candidates(option: OptionDefinition, default: str) -> tuple[str, ...]:
    if option.choices:
        return option.choices
    if option.type is OptionType.BOOLEAN:
        return ("on", "off")
    amount = amount_of(option.type, default or option.minimum)
    if option.type is OptionType.INTEGER:
        return (str((amount or 0) + 1), str((amount or 0) - 1))
    if option.type in _FIRST:
        unit, name = _UNIT[option.type]
        return tuple(f"{each // unit}{name}" for each in ((amount or 0) * 2 or _FIRST[option.type], (amount or 0) // 2))
    return ()


def _compare(wanted: dict[str, str], facts: dict[str, str], why: str) -> None:
    for name, value in wanted.items():
        if name not in facts:
            continue
        require(
            facts[name] == value,
            f"{why}, and the server has {name} {facts[name]} instead of {value}",
            "hand the config of the Server over to the program, or apply it in Tenants.configure",
        )
