"""A database, a cache or a bucket for an app with one command.

For apps:

    async with addonkit.open() as kit:
        binding = await kit.create("postgresql:small", app="shop")
        print(binding.environ().keys())

For addon authors: everything an addon imports is named here (and in `addonkit.testing`), nothing
deeper. See `docs/reference/hooks.md`.

Names are resolved on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from addonkit.addon import *  # noqa: F403 - addon.__all__ is the list
    from addonkit.runtime import Binding as Binding
    from addonkit.runtime import Kit as Kit
    from addonkit.runtime import open as open

_RUNTIME = frozenset({"Binding", "Kit", "open"})


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    from importlib import import_module

    module = import_module("addonkit.runtime" if name in _RUNTIME else "addonkit.addon")
    try:
        return getattr(module, name)
    except AttributeError:
        raise AttributeError(f"module 'addonkit' has no attribute {name!r}") from None
