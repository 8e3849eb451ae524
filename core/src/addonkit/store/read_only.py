"""Dicts and lists that cannot be changed: a value that was read from the store is given to all that read it."""

from __future__ import annotations

from typing import Any, Never


def _refuse(self: object, *_args: Any, **_fields: Any) -> Never:
    """Refuse a change.

    Raises:
        TypeError: always.
    """
    plain = type(self).__mro__[1].__name__
    raise TypeError(f"a value that was read cannot be changed: make a copy of it, `{plain}(...)`")


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
