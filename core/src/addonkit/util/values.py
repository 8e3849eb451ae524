"""Immutable values that are cheap to define: what compares and shows them is shared, and not compiled for each class.

A command defines more than a hundred of them. Half of what that takes are methods that compare and show, which attrs
makes for each.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from attrs import frozen as frozen  # noqa: PLC0414 - exported to mypy, which knows it
else:
    import attrs

    def frozen(made: type) -> type:
        """Make an immutable attrs class, as `attrs.frozen` does."""
        for name, method in (("__eq__", _equals), ("__hash__", _hash), ("__repr__", _repr)):
            if name not in vars(made):
                setattr(made, name, method)
        return attrs.frozen(made)


@cache
def _values_of(kind: type) -> Callable[[Any], Any]:
    """Return what gives the values of all fields that are compared, in order."""
    names = [field.name for field in getattr(kind, "__attrs_attrs__", ()) if field.eq]
    return attrgetter(*names) if names else lambda _value: ()


def _equals(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    kind: Any = type(self)
    values = _values_of(kind)
    return values(self) == values(other)


def _hash(self: Any) -> int:
    kind: Any = type(self)
    return hash((kind, _values_of(kind)(self)))


def _repr(self: Any) -> str:
    fields = [field for field in getattr(self, "__attrs_attrs__", ()) if field.repr]
    shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields)
    return f"{type(self).__qualname__.rpartition('>.')[2]}({shown})"
