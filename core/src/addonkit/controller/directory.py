"""Lists what there is by name: apps and their instances. Reads the store only."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import TYPE_CHECKING

from addonkit.errors import UnknownApp
from addonkit.models.app import App
from addonkit.models.instance import Association, Instance
from addonkit.models.views import AppView

if TYPE_CHECKING:
    from addonkit.store.interface import Reader

SHOWN = 6
"""Names that a message lists at most."""


def apps(tx: Reader) -> tuple[AppView, ...]:
    """Return all apps by name, with the instances that give them variables."""
    names = {entity.name: entity.value.name for entity in tx.list(Instance).items}
    tied: dict[str, list[str]] = {}
    for entity in tx.list(Association).items:
        association = entity.value
        tied.setdefault(association.app, []).append(names.get(association.instance, association.instance))
    found = sorted((entity.value for entity in tx.list(App).items), key=lambda app: app.name)
    return tuple(AppView(app.name, tuple(sorted(tied.get(app.name, ()))), len(app.variables)) for app in found)


def instances(tx: Reader, app: str | None) -> tuple[Instance, ...]:
    """Return all instances, or those attached to (or created for) one app."""
    if app is None:
        return tuple(entity.value for entity in tx.list(Instance).items)
    ties = (tx.get(Instance, each.value.instance) for each in tx.list(Association, {"app": app}).items)
    own = tx.list(Instance, {"app": app}).items
    return tuple({each.name: each.value for each in (*own, *filter(None, ties))}.values())


def app_view(tx: Reader, app: App) -> AppView:
    """Return an app with the instances that give it variables; the cost does not grow with how many others have."""
    ties = [each.value.instance for each in tx.list(Association, {"app": app.name}).items]
    found = ((id, tx.get(Instance, id)) for id in ties)
    names = sorted(entity.value.name if entity else id for id, entity in found)
    return AppView(app.name, tuple(names), len(app.variables))


def app_part(tx: Reader, after: str, limit: int) -> tuple[AppView, ...]:
    """Return at most `limit` apps by name, after a name."""
    return tuple(app_view(tx, entity.value) for entity in tx.list(App, after=after, limit=limit).items)


def find_app(tx: Reader, name: str) -> AppView | None:
    """Return an app by its name; None when there is none."""
    entity = tx.get(App, name)
    return app_view(tx, entity.value) if entity else None


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
    return UnknownApp(attempted, f"there is no app {name!r}", advice)


def suggestion(name: str, known: Collection[str], none: str) -> str:
    """Return advice for an unknown name: the nearest known one, else those there are, else `none`."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    if not known:
        return none
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return f"there is {', '.join(sorted(known)[:SHOWN])}{more}"
