"""Checks that the options of an addon can work. Pure: names each fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from addonkit.models.definition import AddonDefinition, is_shared_variant
from addonkit.models.option_values import OptionType, amount_of
from addonkit.models.options import LISTEN, OptionDefinition, normalized

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")


def option_faults(definition: AddonDefinition) -> Iterator[str]:
    """Return everything wrong with the options of a definition."""
    names = [each.name for each in definition.options]
    yield from (f"it has two options named {each!r}" for each in sorted({n for n in names if names.count(n) > 1}))
    known = {variant.name for variant in definition.variants}
    for option in definition.options:
        for fault in _faults(option):
            yield f"option {option.name}: {fault}"
        yield from (f"option {option.name} names variant {each!r}" for each in sorted({*option.variants} - known))
        yield from _defaults(definition, option)
    if definition.listens:
        sources = [definition.program, *(variant.program for variant in definition.variants)]
        yield from (
            f"option {LISTEN}: no `tls` says which of the programs {each.executables[0]} have TLS"
            for each in sources
            if each is not None and each.tls is None
        )


def _faults(option: OptionDefinition) -> Iterator[str]:
    if not _NAME.fullmatch(option.name):
        yield "its name is not small letters, digits, '-', '_'"
    if not isinstance(option.type, OptionType):
        yield "its type is not an OptionType"
        return
    for limit in (option.minimum, option.maximum):
        if limit and amount_of(option.type, limit) is None:
            yield f"its limit {limit!r} is no {option.type}"
    try:
        re.compile(option.pattern)
    except re.error as error:
        yield f"its pattern is not a regular expression: {error}"
        return
    for choice in option.choices:
        yield from _refused(option, choice, "choice")
    if option.restart and option.per_tenant:
        yield "it is per_tenant and needs a restart: a tenant cannot restart the server of others"


def _defaults(definition: AddonDefinition, option: OptionDefinition) -> Iterator[str]:
    if not isinstance(option.type, OptionType):
        return
    for variant in definition.variants:
        offered = option.per_tenant or not is_shared_variant(variant.name)
        if (option.variants and variant.name not in option.variants) or not offered:
            continue
        default = variant.config.get(option.name, option.default)
        if default:
            fault = next(_refused(option, default, f"default in variant {variant.name}"), "")
            yield from (f"option {option.name}: {fault}",) if fault else ()


def _refused(option: OptionDefinition, text: str, what: str) -> Iterator[str]:
    try:
        value = normalized(option, text)
    except ValueError as error:
        yield f"its {what} {text!r} is not allowed: {error}"
        return
    if value != text:
        yield f"its {what} {text!r} is written {value!r}"
