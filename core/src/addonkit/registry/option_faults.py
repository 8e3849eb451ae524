"""Checks that the options of an addon can work. Pure: names each fault."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from addonkit.errors import AddonkitError
from addonkit.models.definition import AddonDefinition, ProgramSource
from addonkit.models.option_values import OptionType, amount_of
from addonkit.models.options import LISTEN, OptionDefinition, normalized

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")
_TWICE: Final = 2


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def option_faults(definition: AddonDefinition) -> Iterator[str]:
    """Return everything wrong with the options of a definition."""
    yield from named_twice("options", definition.options)
    for option in definition.options:
        for fault in _faults(option):
            yield f"option {option.name}: {fault}"
        for name in sorted(option.variants):
            if definition.variant(name) is None:
                yield f"option {option.name} names variant {name!r}"
    for variant in definition.variants:
        for option in definition.options_of(variant.name).offered:
            default = variant.config.get(option.name, option.default)
            if default and isinstance(option.type, OptionType):
                for fault in _not_written_so(option, default, f"default in variant {variant.name}"):
                    yield f"option {option.name}: {fault}"
        yield from _without_tls(definition, variant.program)
    yield from _without_tls(definition, definition.program)


def _without_tls(definition: AddonDefinition, program: ProgramSource | None) -> Iterator[str]:
    if definition.listens and program is not None and program.tls is None:
        yield f"option {LISTEN}: no `tls` says which of the programs {program.executables[0]} have TLS"


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
        yield from _not_written_so(option, choice, "choice")
    if option.restart and option.per_tenant:
        yield "it is per_tenant and needs a restart: a tenant cannot restart the server of others"


def _not_written_so(option: OptionDefinition, text: str, what: str) -> Iterator[str]:
    try:
        value = normalized(option, text)
    except ValueError as error:
        yield f"its {what} {text!r} is not allowed: {error}"
        return
    if value != text:
        yield f"its {what} {text!r} is written {value!r}"


def named_twice(what: str, definitions: Iterable[_Named]) -> Iterator[str]:
    """Return a fault for each name that several of them have."""
    seen: Counter[str] = Counter()
    for each in definitions:
        seen[each.name] += 1
        if seen[each.name] == _TWICE:
            yield f"it has two {what} named {each.name!r}"


def refused(check: Callable[..., object], *texts: str) -> Iterator[str]:
    """Return what a check that raises says about texts."""
    try:
        check(*texts)
    except AddonkitError as error:
        yield f"{error.attempted}, {error.found}"
