"""Settings that the operator tells an addon once: stored, and overlaid by the environment. Pure but for the entity."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

import attrs

from addonkit.errors import InvalidInput, NotConfigured
from addonkit.models.definition import AddonDefinition, SettingDefinition
from addonkit.models.secret import Secret, reveal
from addonkit.util.values import frozen

Values = Mapping[str, str | Secret]


class SettingValues(dict[str, str | Secret]):
    """Values in force by name, as steps receive them; asking for one that is not set raises NotConfigured."""

    def __init__(self, addon: str, found: Collection[Setting]) -> None:
        super().__init__({each.definition.name: each.value for each in found if each.value is not None})
        self._addon = addon
        self._secret = {each.definition.name for each in found if each.definition.secret}

    def __missing__(self, name: str) -> str | Secret:
        words = f"{name}=-" if name in self._secret else f"{name}=..."
        raise not_configured(f"cannot work with {self._addon}", self._addon, name, words=words)


@frozen
class Settings:
    """The stored settings of one addon.

    Attributes:
        name: of the addon.
        values: names to values; secret ones are Secrets, sealed in the store.
    """

    kind: ClassVar[str] = "settings"
    indexed: ClassVar[tuple[str, ...]] = ()

    name: str
    values: Mapping[str, str | Secret] = attrs.field(factory=dict)


@frozen
class Setting:
    """One setting as it is in force.

    Attributes:
        definition: what the addon says about it.
        value: in force; None when it has none.
        source: `stored`, `environment`, `default`, or empty without a value.
    """

    definition: SettingDefinition
    value: str | Secret | None
    source: str


def environment_name(addon: str, setting: str) -> str:
    """Return the variable that wins over a stored setting: `ADDONKIT_S3_REMOTE_ENDPOINT`."""
    return f"ADDONKIT_{addon}_{setting}".upper().replace("-", "_")


def in_force(definition: AddonDefinition, stored: Values, environ: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return all settings of an addon, in the order of its definition: environment, else stored, else default."""
    return tuple(_in_force(definition, each, stored, environ) for each in definition.settings)


def _in_force(
    definition: AddonDefinition, setting: SettingDefinition, stored: Values, environ: Mapping[str, str]
) -> Setting:
    variable = environment_name(definition.name, setting.name)
    if variable in environ:
        return Setting(setting, _as_defined(setting, environ[variable]), "environment")
    if setting.name in stored:
        return Setting(setting, _as_defined(setting, reveal(stored[setting.name])), "stored")
    if setting.default is not None:
        return Setting(setting, _as_defined(setting, setting.default), "default")
    return Setting(setting, None, "")


def _as_defined(setting: SettingDefinition, text: str) -> str | Secret:
    return Secret(text) if setting.secret else text


def checked(definition: AddonDefinition, values: Mapping[str, str]) -> dict[str, str | Secret]:
    """Return new values as they are stored.

    Raises:
        InvalidInput: for a name the addon does not have, or a value it does not allow.
    """
    return {name: _checked(_known(definition, name), definition.name, text) for name, text in values.items()}


def check_names(definition: AddonDefinition, names: Collection[str]) -> None:
    """Raise InvalidInput for a name the addon does not have."""
    for name in names:
        _known(definition, name)


def _known(definition: AddonDefinition, name: str) -> SettingDefinition:
    found = definition.setting(name)
    if found is None:
        known = ", ".join(each.name for each in definition.settings)
        advice = f"it has {known}" if known else "it has none"
        raise InvalidInput(f"cannot set {name} of {definition.name}", "the addon has no such setting", advice)
    return found


def _checked(setting: SettingDefinition, addon: str, text: str) -> str | Secret:
    if setting.choices and text not in setting.choices:
        # A secret has no choices; its text is never in a message.
        raise InvalidInput(
            f"cannot set {setting.name} of {addon}",
            f"{text!r} is not allowed",
            f"use one of {', '.join(setting.choices)}",
        )
    return _as_defined(setting, text)


def check_complete(definition: AddonDefinition, variant: str, settings: Collection[Setting]) -> None:
    """Check that every setting of a variant has an allowed value.

    Raises:
        NotConfigured: naming what is missing and how to set it.
        InvalidInput: when the environment has a value that is not allowed.
    """
    for each in settings:
        if each.value is not None:
            _checked(each.definition, definition.name, reveal(each.value))
    chosen = definition.variant(variant)
    needed = chosen.settings if chosen else ()
    missing = [
        each.definition
        for each in settings
        if each.value is None or (each.definition.name in needed and not reveal(each.value))
    ]
    if missing:
        words = " ".join(f"{each.name}={'-' if each.secret else '...'}" for each in missing)
        names = [each.name for each in missing]
        raise not_configured(f"cannot create {definition.name}:{variant}", definition.name, *names, words=words)


def not_configured(attempted: str, addon: str, *names: str, words: str = "") -> NotConfigured:
    """Return the error for settings that have no value.

    Args:
        attempted: what needs them.
        addon: whose settings they are.
        names: of the settings.
        words: what sets them, behind `addonkit config set ADDON`.
    """
    return NotConfigured(
        attempted,
        f"its operator has not set {', '.join(names)}",
        f"run `addonkit config set {addon} {words or ' '.join(f'{name}=...' for name in names)}`",
        addon=addon,
        missing=list(names),
    )
