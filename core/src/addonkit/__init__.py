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

from addonkit._version import __version__ as __version__

if TYPE_CHECKING:
    from addonkit.api import *  # noqa: F403 - api.__all__ is the list
    from addonkit.client.connect import connect as connect
    from addonkit.kit.binding import Binding as Binding
    from addonkit.kit.bootstrap import open as open
    from addonkit.kit.kit import Kit as Kit
    from addonkit.registry.registry import Registry as Registry

# Floors above `addonkit.api`, which therefore cannot name them itself.
_ABOVE = {
    "Binding": "addonkit.kit.binding",
    "connect": "addonkit.client.connect",
    "Kit": "addonkit.kit.kit",
    "open": "addonkit.kit.bootstrap",
    "Registry": "addonkit.registry.registry",
}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    from importlib import import_module

    if name in _ABOVE:
        return getattr(import_module(_ABOVE[name]), name)
    api = import_module("addonkit.api")
    # All at once: a module of this package may have the name of a function that it holds.
    globals().update({each: getattr(api, each) for each in api.__all__})
    if name not in globals():
        raise AttributeError(f"module 'addonkit' has no attribute {name!r}")
    return globals()[name]
