"""Checks that an addon's definition can work. Pure functions: each names what is wrong, or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from addonkit.models.definition import (
    CONFIG_IMAGE,
    CONFIG_PROGRAMS,
    CONFIG_VERSION,
    AddonDefinition,
    LocalityMode,
    ProgramSource,
    SettingDefinition,
    ShellDefinition,
    VariantDefinition,
)
from addonkit.models.identifiers import check_addon_name
from addonkit.models.image_reference import resolve_image
from addonkit.models.options import OptionDefinition
from addonkit.models.sizes import parse_size
from addonkit.models.variable import check_variable_key, names_in
from addonkit.registry.option_faults import named_twice, option_faults, refused

STORAGE: Final = "storage"
"""Key of a variant's config that holds a size."""

_VARIANT: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
_SETTING: Final = re.compile(r"[a-z][a-z0-9_]*")
_TEXTS: Final = ("name", "display_name", "description", "default_variant", "base_image", "default_version")
_OPTIONAL: Final[Mapping[str, type]] = {"program": ProgramSource, "shell": ShellDefinition}
_SERIES: Final[Mapping[str, type]] = {
    "settings": SettingDefinition,
    "options": OptionDefinition,
    "unset_variables": str,
    "variants": VariantDefinition,
}


def faults_of(definition: Any, name: str) -> tuple[str, ...]:
    """Return everything wrong with what an addon answered as its definition; empty when nothing is.

    Args:
        definition: the answer, of any type.
        name: of the entry point.
    """
    if not isinstance(definition, AddonDefinition):
        return (f"it is a {type(definition).__name__}, not an AddonDefinition",)
    faults = [*_types(definition)]
    if faults:
        return tuple(faults)
    if definition.name != name:
        faults.append(f"it is named {definition.name!r}, its entry point {name!r}")
    faults += refused(check_addon_name, name)
    faults += _variants(definition)
    faults += _image(definition)
    faults += _program(definition.program)
    faults += _settings(definition)
    faults += option_faults(definition)
    faults += _unset(definition)
    faults += _shell(definition.shell)
    return tuple(faults)


def _types(definition: AddonDefinition) -> Iterator[str]:
    for field in _TEXTS:
        if not isinstance(getattr(definition, field), str):
            yield f"{field} is not text"
    if not isinstance(definition.locality, LocalityMode):
        yield "locality is not a LocalityMode"
    for field, kind in _OPTIONAL.items():
        if not isinstance(getattr(definition, field), kind | None):
            yield f"{field} is not a {kind.__name__}"
    for field, kind in _SERIES.items():
        if not _is_tuple_of(getattr(definition, field), kind):
            yield f"{field} is not a tuple of {'texts' if kind is str else kind.__name__}"
    if _is_tuple_of(definition.variants, VariantDefinition):
        yield from _variant_types(definition.variants)


def _variant_types(variants: tuple[VariantDefinition, ...]) -> Iterator[str]:
    for each in variants:
        if not isinstance(each.name, str):
            yield f"variant name {each.name!r} is not text"
        for field in ("details", "config"):
            mapping = getattr(each, field)
            if not isinstance(mapping, Mapping) or not _is_tuple_of((*mapping, *mapping.values()), str):
                yield f"{field} of variant {each.name} does not map text to text"


def _is_tuple_of(value: Any, kind: type) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, kind) for each in value)


def _variants(definition: AddonDefinition) -> Iterator[str]:
    names = [each.name for each in definition.variants]
    if not names:
        yield "it has no variant"
        return
    if definition.default_variant not in names:
        yield f"its default variant {definition.default_variant!r} is not among {', '.join(names)}"
    yield from named_twice("variants", definition.variants)
    for each in definition.variants:
        if not _VARIANT.fullmatch(each.name):
            yield f"variant name {each.name!r} is not small letters, digits, '.', '_', '-'"
        for key in (CONFIG_IMAGE, CONFIG_PROGRAMS, CONFIG_VERSION):
            if key in each.config:
                yield f"variant {each.name} sets {key!r}, which the core sets"
        if STORAGE in each.config:
            for fault in refused(parse_size, each.config[STORAGE]):
                yield f"variant {each.name}: {fault}"


def _image(definition: AddonDefinition) -> Iterator[str]:
    image = definition.base_image
    if not image:
        return
    if "@" in image or ":" in image.rpartition("/")[2]:
        yield f"base image {image!r} has a tag or digest"
    else:
        yield from refused(resolve_image, image, definition.default_version)


def _program(program: ProgramSource | None) -> Iterator[str]:
    if program is None:
        return
    if not program.executables:
        yield "its program has no executables"
    try:
        groups = re.compile(program.version_pattern).groups
    except re.error as error:
        yield f"version_pattern {program.version_pattern!r} is not a regular expression: {error}"
        return
    if not groups:
        yield f"version_pattern {program.version_pattern!r} has no group"


def _settings(definition: AddonDefinition) -> Iterator[str]:
    yield from named_twice("settings", definition.settings)
    known = set()
    for each in definition.settings:
        known.add(each.name)
        if not _SETTING.fullmatch(each.name):
            yield f"setting name {each.name!r} is not small letters, digits, '_'"
        if each.choices and each.default is not None and each.default not in each.choices:
            yield f"the default of setting {each.name} is not among its choices"
    for variant in definition.variants:
        for name in sorted({*variant.settings} - known):
            yield f"variant {variant.name} needs setting {name!r}, which the addon does not have"


def _unset(definition: AddonDefinition) -> Iterator[str]:
    for each in definition.unset_variables:
        for fault in refused(check_variable_key, each.removesuffix("*")):
            yield f"unset_variables: {fault}"


def _shell(shell: ShellDefinition | None) -> Iterator[str]:
    if shell is None:
        return
    if not shell.commands and not shell.module:
        yield "its shell names no command and no module"
    for command in shell.commands:
        if not command or not _is_tuple_of(command, str):
            yield "a command of its shell is not a tuple of texts"
            return
    for text in (*chain.from_iterable(shell.commands), *shell.environment.values()):
        yield from refused(names_in, text)
