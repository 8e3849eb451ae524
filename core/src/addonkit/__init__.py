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
    from addonkit.binding import Binding as Binding
    from addonkit.opening import open as open
    from addonkit.registry.catalog import Registry as Registry
    from addonkit.runtime import Kit as Kit

# Rooms above `addonkit.addon`, which therefore cannot name them itself.
_ABOVE = {
    "Binding": "addonkit.binding",
    "Kit": "addonkit.runtime",
    "open": "addonkit.opening",
    "Registry": "addonkit.registry.catalog",
}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    from importlib import import_module

    if name in _ABOVE:
        return getattr(import_module(_ABOVE[name]), name)
    addon = import_module("addonkit.addon")
    # All at once: a module of this package may have the name of a function that it holds.
    globals().update({each: getattr(addon, each) for each in addon.__all__})
    if name not in globals():
        raise AttributeError(f"module 'addonkit' has no attribute {name!r}")
    return globals()[name]
