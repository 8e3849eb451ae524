"""Lists the public names of the core with their signatures, one a line."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, get_origin

MODULES: Final = ("addonkit", "addonkit.hookspecs", "addonkit.testing")
"""What authors import. A package that resolves its names lazily shows those that it re-exports to type checkers."""


def lines() -> Iterator[str]:
    """Yield a line for each public name and each public member of a class, sorted."""
    for module in MODULES:
        loaded = importlib.import_module(module)
        for name in sorted(_names(loaded)):
            yield from _described(f"{module}.{name}", getattr(loaded, name))


def _names(module: Any) -> set[str]:
    own = {name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__}
    return {name for name in own | set(_exported(module)) if not name.startswith("_")}


def _exported(module: Any) -> Iterator[str]:
    """Yield what a module re-exports: names of `import X as X`, and all of `import *`."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                if each.name == "*":
                    yield from importlib.import_module(node.module).__all__
                elif each.asname == each.name:
                    yield each.name


def _described(path: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield from _class(path, value)
    elif inspect.isfunction(value):
        yield f"{path}{_signature(value)}"
    elif get_origin(value) is not None:
        yield f"{path} = {value}"
    else:
        yield f"{path}: {type(value).__name__}"


def _class(path: str, cls: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in cls.__bases__ if base is not object and not _is_inner(base))
    yield f"class {path}({bases})" if bases else f"class {path}"
    if issubclass(cls, enum.Enum):
        yield from (f"{path}.{member.name} = {member.value!r}" for member in cls)
        return
    if cls.__init__ is not object.__init__ and not issubclass(cls, Warning):
        yield f"{path}.__init__{_signature(cls.__init__)}"
    for name, member in sorted(members_of(cls).items()):
        yield from _member(f"{path}.{name}", member)


def members_of(cls: type) -> dict[str, Any]:
    """Return its own public members and those of inner bases, which are public through it alone."""
    found: dict[str, Any] = {}
    for each in reversed(cls.__mro__):
        if each is cls or _is_inner(each):
            found |= {name: member for name, member in vars(each).items() if not name.startswith("_")}
    return found


def _is_inner(cls: type) -> bool:
    """Return whether a class is one of the core's own that authors cannot import."""
    public = (getattr(importlib.import_module(module), cls.__name__, None) for module in MODULES)
    return cls.__module__.startswith("addonkit.") and cls not in public


def _member(path: str, member: Any) -> Iterator[str]:
    match member:
        case staticmethod() | classmethod():
            yield f"{path}{_signature(member.__func__)} [{type(member).__name__}]"
        case property():
            yield f"{path}: {_annotation(member.fget)} [property]"
        case cached_property():
            yield f"{path}: {_annotation(member.func)} [cached_property]"
        case _ if inspect.isfunction(member):
            yield f"{path}{_signature(member)}"
        case _:
            yield path


def _annotation(getter: Any) -> str:
    return str(inspect.signature(getter).return_annotation)


def _signature(function: Any) -> str:
    prefix = " async" if inspect.iscoroutinefunction(function) else ""
    shown = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", str(inspect.signature(function)))
    return f"{shown}{prefix}"
