"""Refuses what a service has no place for: one clear error for each, in the user's word."""

from __future__ import annotations

from typing import NoReturn

from addonkit.errors import AddonkitError


def refuse(url: str, name: str, words: str) -> NoReturn:
    """Refuse what is asked for under an attribute's name.

    Args:
        url: of the service.
        name: of the attribute that is not there.
        words: with which people ask for it.

    Raises:
        AttributeError: for a private name, as Python expects it.
        AddonkitError: for all others.
    """
    if name.startswith("_"):
        raise AttributeError(name)
    found = f"{words!r} does not work through a service"
    raise AddonkitError(f"cannot do that at {url}", found, "unset ADDONKIT_URL on the machine of the home")
