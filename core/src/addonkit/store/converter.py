"""The one converter that makes values of trees. Made when it is needed first."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from addonkit.models.secret import Secret

if TYPE_CHECKING:
    from cattrs import Converter


@cache
def converter(*, detailed: bool = False) -> Converter:
    """Return a converter from what JSON knows, except that a Secret is one already.

    With `detailed` its errors name each place that does not fit. What it makes of a class costs twice the time then.
    Unknown fields of a tree are ignored, missing ones take their default: a newer or older release wrote it.
    """
    from cattrs.preconf.json import make_converter
    from cattrs.strategies import configure_union_passthrough

    made = make_converter(detailed_validation=detailed)
    made.register_structure_hook(datetime, _text_to_time)
    made.register_structure_hook(Secret, _only_secret)
    # Unions such as `str | Secret` are distinguished by the type of the value itself.
    configure_union_passthrough(str | bool | int | float | None | Secret, made)
    return made


def _text_to_time(text: str, _: Any) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _only_secret(value: Any, _: Any) -> Secret:
    if not isinstance(value, Secret):
        raise TypeError("expected a Secret")
    return value
