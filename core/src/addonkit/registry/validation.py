"""Checks that an addon's definition can work. Pure functions: each names what is wrong, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from addonkit.errors import AddonkitError
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
from addonkit.models.image_reference import ImageReference, resolve_image
from addonkit.models.options import OptionDefinition
from addonkit.models.placeholders import names_in
from addonkit.models.sizes import parse_size
from addonkit.models.variable import check_variable_key
from addonkit.registry.option_faults import option_faults

STORAGE: Final = "storage"
"""Key of a variant's config that holds a size."""

_VARIANT: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
_SETTING: Final = re.compile(r"[a-z][a-z0-9_]*")
_TEXTS: Final = ("name", "display_name", "description", "default_variant", "base_image", "default_version")


def faults_of(definition: Any, name: str) -> tuple[str, ...]:
    """Return everything wrong with what an addon answered as its definition; empty when nothing is.

    Args:
        definition: the answer, of any type.
        name: of the entry point.
    """
    if not isinstance(definition, AddonDefinition):
        return (f"it is a {type(definition).__name__}, not an AddonDefinition",)
    wrong_types = tuple(_types(definition))
    if wrong_types:
        return wrong_types
    checks = (
        _name(definition, name),
        _variants(definition),
        _image(definition),
        _program(definition.program),
        _settings(definition),
        option_faults(definition),
        _unset(definition),
        _shell(definition.shell),
    )
    return tuple(fault for check in checks for fault in check)


def _types(definition: AddonDefinition) -> Iterator[str]:
    for field in _TEXTS:
        if not isinstance(getattr(definition, field), str):
            yield f"{field} is not text"
    if not isinstance(definition.locality, LocalityMode):
        yield "locality is not a LocalityMode"
    if definition.program is not None and not isinstance(definition.program, ProgramSource):
        yield "program is not a ProgramSource"
    if definition.shell is not None and not isinstance(definition.shell, ShellDefinition):
        yield "shell is not a ShellDefinition"
    if not _is_tuple_of(definition.settings, SettingDefinition):
        yield "settings is not a tuple of SettingDefinition"
    if not _is_tuple_of(definition.options, OptionDefinition):
        yield "options is not a tuple of OptionDefinition"
    if not _is_tuple_of(definition.unset_variables, str):
        yield "unset_variables is not a tuple of texts"
    if not _is_tuple_of(definition.variants, VariantDefinition):
        yield "variants is not a tuple of VariantDefinition"
    else:
        yield from _variant_types(definition.variants)


def _variant_types(variants: tuple[VariantDefinition, ...]) -> Iterator[str]:
    for each in variants:
        if not isinstance(each.name, str):
            yield f"variant name {each.name!r} is not text"
        for field in ("details", "config"):
            if not _is_text_mapping(getattr(each, field)):
                yield f"{field} of variant {each.name} does not map text to text"


def _is_tuple_of(value: Any, kind: type) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, kind) for each in value)


def _is_text_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(part, str) for pair in value.items() for part in pair)


def _name(definition: AddonDefinition, name: str) -> Iterator[str]:
    if definition.name != name:
        yield f"it is named {definition.name!r}, its entry point {name!r}"
    yield from _refused(check_addon_name, name)


def _variants(definition: AddonDefinition) -> Iterator[str]:
    names = [each.name for each in definition.variants]
    if not names:
        yield "it has no variant"
        return
    if definition.default_variant not in names:
        yield f"its default variant {definition.default_variant!r} is not among {', '.join(names)}"
    yield from (f"it has two variants named {each!r}" for each in sorted({n for n in names if names.count(n) > 1}))
    for each in definition.variants:
        yield from _variant(each)


def _variant(variant: VariantDefinition) -> Iterator[str]:
    if not _VARIANT.fullmatch(variant.name):
        yield f"variant name {variant.name!r} is not small letters, digits, '.', '_', '-'"
    yield from (
        f"variant {variant.name} sets {key!r}, which the core sets"
        for key in (CONFIG_IMAGE, CONFIG_PROGRAMS, CONFIG_VERSION)
        if key in variant.config
    )
    if STORAGE in variant.config:
        yield from (f"variant {variant.name}: {fault}" for fault in _refused(parse_size, variant.config[STORAGE]))


def _image(definition: AddonDefinition) -> Iterator[str]:
    if not definition.base_image:
        return
    if _is_versioned(definition.base_image):
        yield f"base image {definition.base_image!r} has a tag or digest"
    else:
        yield from _refused(lambda base: resolve_image(base, definition.default_version), definition.base_image)


def _is_versioned(image: str) -> bool:
    try:
        reference = ImageReference.parse(image)
    except AddonkitError:
        return False
    return bool(reference.tag or reference.digest)


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
    names = [each.name for each in definition.settings]
    yield from (f"it has two settings named {each!r}" for each in sorted({n for n in names if names.count(n) > 1}))
    for each in definition.settings:
        if not _SETTING.fullmatch(each.name):
            yield f"setting name {each.name!r} is not small letters, digits, '_'"
        if each.choices and each.default is not None and each.default not in each.choices:
            yield f"the default of setting {each.name} is not among its choices"
    for variant in definition.variants:
        for name in sorted({*variant.settings} - {*names}):
            yield f"variant {variant.name} needs setting {name!r}, which the addon does not have"


def _unset(definition: AddonDefinition) -> Iterator[str]:
    for each in definition.unset_variables:
        yield from (f"unset_variables: {fault}" for fault in _refused(check_variable_key, each.removesuffix("*")))


def _shell(shell: ShellDefinition | None) -> Iterator[str]:
    if shell is None:
        return
    if not shell.commands and not shell.module:
        yield "its shell names no command and no module"
    if not all(_is_tuple_of(command, str) and command for command in shell.commands):
        yield "a command of its shell is not a tuple of texts"
        return
    for text in (*(word for command in shell.commands for word in command), *shell.environment.values()):
        yield from _refused(names_in, text)


def _refused(check: Callable[[str], object], text: str) -> Iterator[str]:
    """Yield what a check that raises says about a text."""
    try:
        check(text)
    except AddonkitError as error:
        yield f"{error.attempted}, {error.found}"
