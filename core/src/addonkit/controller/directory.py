"""Lists what there is by name: apps and their instances. Reads the store only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.models.app import App
from addonkit.models.instance import Association, Instance
from addonkit.models.views import AppView

if TYPE_CHECKING:
    from addonkit.store.interface import Reader


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
