"""Values of trees, for the common types: each class needs a list of its fields, where `cattrs` compiles a function.

What is not as it should be, and what is of a rare type, is left to the converter: so errors have one source.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache, partial
from typing import Any, Final, Literal, Never, Union, get_args, get_origin, get_type_hints

import attrs

from addonkit.models.secret import Secret

Reader = Callable[[Any], Any]
"""Makes a value of a tree. Raises any exception when the converter has to."""

_LEAVES: Final = frozenset({str, int, bool, Secret, type(None)})
_PLAIN: Final[dict[Any, type]] = {each.__name__: each for each in (str, int, bool, float)}
_PARTS: Final = 2
"""Of `tuple[X, ...]` and of `Mapping[str, X]`."""


class NotPlainError(Exception):
    """A tree, or a type, that the converter has to read."""


@cache
def reader_of(kind: Any, *, shared: bool = False) -> Reader:
    """Return what reads values of a type: a class, or any annotation.

    Args:
        kind: the type.
        shared: make values whose dicts and lists cannot be changed, so that one value may be given to several readers.

    Raises:
        NotPlainError: when the converter has to.
    """
    leaves = _leaves_of(kind)
    if leaves:
        return partial(_one_of, leaves)
    origin = get_origin(kind)
    if origin is not None:
        return _composed(origin, get_args(kind), shared=shared)
    if isinstance(kind, type) and attrs.has(kind):
        types_of = _types_of(kind)
        fields = [(name, _leaves_of(part), reader_of(part, shared=shared)) for name, part in types_of.items()]
        return partial(_fields, kind, fields)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    atoms: dict[Any, Reader] = {Any: read_only if shared else plain, datetime: _time, float: _number}
    if kind not in atoms:
        raise NotPlainError
    return atoms[kind]


def _leaves_of(kind: Any) -> frozenset[Any]:
    """Return the types of the values of a type that are trees themselves; none for another type."""
    of = get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)
    return frozenset(of) if _LEAVES.issuperset(of) else frozenset()


def _composed(origin: Any, of: tuple[Any, ...], *, shared: bool) -> Reader:
    """Return a reader for an annotation with others inside."""
    if origin is tuple and len(of) == _PARTS and of[1] is ...:
        return partial(_sequence, _leaves_of(of[0]), reader_of(of[0], shared=shared))
    if origin in {Mapping, dict} and len(of) == _PARTS and of[0] is str:
        made = ReadOnlyDict if shared else dict
        return partial(_mapping, made, _leaves_of(of[1]), reader_of(of[1], shared=shared))
    if origin is Literal:
        return partial(_literal, of)
    others = [each for each in of if each is not type(None)]
    if origin not in {Union, types.UnionType} or len(others) != 1:
        raise NotPlainError
    return partial(_optional, reader_of(others[0], shared=shared))


def _types_of(kind: Any) -> dict[str, Any]:
    """Return the types of the fields that make a value, by name. Compiles few annotations: most are known types."""
    given = [each for each in attrs.fields(kind) if each.init]
    if any(each.alias != each.name for each in given):
        raise NotPlainError
    if any(each.inherited or not isinstance(each.type, str) for each in given):
        hints = get_type_hints(kind)
        return {each.name: hints[each.name] for each in given}
    others = types.SimpleNamespace(__annotations__={each.name: each.type for each in given if each.type not in _PLAIN})
    hints = get_type_hints(others, vars(sys.modules[kind.__module__]))
    return {each.name: hints.get(each.name) or _PLAIN[each.type] for each in given}


def _fields(kind: type, fields: Sequence[tuple[str, frozenset[Any], Reader]], tree: Any) -> Any:
    """Read an attrs class; missing fields take their default, unknown ones are left out."""
    if not isinstance(tree, dict):
        raise NotPlainError
    given = {}
    for name, leaves, part in fields:
        if name in tree:
            value = tree[name]
            given[name] = value if type(value) in leaves else part(value)
    return kind(**given)


def _sequence(leaves: frozenset[Any], part: Reader, tree: Any) -> Any:
    if not isinstance(tree, list):
        raise NotPlainError
    return tuple([each if type(each) in leaves else part(each) for each in tree])


def _mapping(made: type, leaves: frozenset[Any], part: Reader, tree: Any) -> Any:
    if not isinstance(tree, dict):
        raise NotPlainError
    return made({key: each if type(each) in leaves else part(each) for key, each in tree.items()})


def _optional(whole: Reader, tree: Any) -> Any:
    return None if tree is None else whole(tree)


def _one_of(kinds: frozenset[Any], tree: Any) -> Any:
    if type(tree) not in kinds:
        raise NotPlainError
    return tree


def _literal(words: tuple[Any, ...], tree: Any) -> Any:
    if type(tree) is not str or tree not in words:
        raise NotPlainError
    return tree


def _number(tree: Any) -> float:
    if type(tree) is not float and type(tree) is not int:
        raise NotPlainError
    return float(tree)


def _time(tree: Any) -> datetime:
    return datetime.fromisoformat(tree).astimezone(UTC)


def _refuse(self: object, *_args: Any, **_fields: Any) -> Never:
    """Refuse a change.

    Raises:
        TypeError: always.
    """
    changeable = type(self).__mro__[1].__name__
    raise TypeError(f"a value that was read cannot be changed: make a copy of it, `{changeable}(...)`")


class ReadOnlyDict(dict[str, Any]):
    """A dict that cannot be changed; a copy of it is a plain dict."""

    __slots__ = ()

    __setitem__ = __delitem__ = pop = popitem = clear = update = setdefault = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """Make copies and pickles of it plain."""
        return dict, (dict(self),)


class ReadOnlyList(list[Any]):
    """A list that cannot be changed; a copy of it is a plain list."""

    __slots__ = ()

    __setitem__ = __delitem__ = append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __iadd__ = __imul__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """Make copies and pickles of it plain."""
        return list, (list(self),)


def read_only(tree: Any) -> Any:
    """Return a tree whose dicts and lists cannot be changed."""
    kind = type(tree)
    if kind is dict:
        return ReadOnlyDict({key: read_only(each) for key, each in tree.items()})
    return ReadOnlyList(map(read_only, tree)) if kind is list else tree


def plain(tree: Any) -> Any:
    """Return the same tree, with dicts and lists that can be changed in the place of those that cannot."""
    kind = type(tree)
    if kind is ReadOnlyDict:
        return {key: plain(each) for key, each in tree.items()}
    return [plain(each) for each in tree] if kind is ReadOnlyList else tree
