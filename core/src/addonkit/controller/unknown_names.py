"""Errors for names that are not there, with the nearest one that is. Reads the store only."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from addonkit.errors import UnknownApp
from addonkit.models.app import App, DefaultApp
from addonkit.models.instance import Instance
from addonkit.util.text import join_words

if TYPE_CHECKING:
    from addonkit.store.interface import Reader

SHOWN: Final = 6
"""Names that a message lists at most."""


def check_app(tx: Reader, name: str) -> None:
    """Check that there is an app of that name, or an instance that was created for it.

    Raises:
        UnknownApp: with the nearest name.
    """
    if tx.get(App, name) is None and not tx.list(Instance, {"app": name}, limit=1).items:
        raise unknown_app(tx, name, f"cannot find app {name!r}")


def unknown_app(tx: Reader, name: str, attempted: str) -> UnknownApp:
    """Return the error for an app that is not there, with the nearest name."""
    known = [entity.name for entity in tx.list(App).items]
    advice = suggestion(name, known, "an app is made by its first addon or variable")
    source = ", which ADDONKIT_APP names" if isinstance(name, DefaultApp) else ""
    return UnknownApp(attempted, f"there is no app {str(name)!r}{source}", advice)


def suggestion(name: str, known: Collection[str], none: str) -> str:
    """Return advice for an unknown name: the nearest known one, else those there are, else `none`."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    if not known:
        return none
    shown = sorted(known)[:SHOWN]
    more = [f"{len(known) - SHOWN} more"] if len(known) > SHOWN else []
    return f"there {'is' if len(known) == 1 else 'are'} {join_words([*shown, *more])}"
