"""Lists what there is by name: apps, their instances, the tenants of servers. Reads the store only."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from addonkit.models.app import App
from addonkit.models.instance import Association, Instance
from addonkit.models.views import AppView

if TYPE_CHECKING:
    from addonkit.store.interface import Transaction

SHOWN = 6
"""Names that a message lists at most."""


def apps(tx: Transaction) -> tuple[AppView, ...]:
    """Return all apps by name, with the instances that give them variables."""
    names = {entity.name: entity.value.name for entity in tx.list(Instance).items}
    tied: dict[str, list[str]] = {}
    for entity in tx.list(Association).items:
        association = entity.value
        tied.setdefault(association.app, []).append(names.get(association.instance, association.instance))
    found = sorted((entity.value for entity in tx.list(App).items), key=lambda app: app.name)
    return tuple(AppView(app.name, tuple(sorted(tied.get(app.name, ()))), len(app.variables)) for app in found)


def tenants(tx: Transaction, servers: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return server ids to the names of the instances that live there."""
    return {
        server: tuple(sorted(entity.value.name for entity in tx.list(Instance, {"server": server}).items))
        for server in servers
    }


def servers_of(tx: Transaction, app: str, without: Collection[str] = ()) -> frozenset[str]:
    """Return ids of the servers that an app uses; instances named in `without` do not count."""
    found = (tx.get(Instance, entity.value.instance) for entity in tx.list(Association, {"app": app}).items)
    kept = (entity.value for entity in found if entity is not None and entity.value.name not in without)
    return frozenset(instance.server for instance in kept if instance.server)


def suggestion(name: str, known: Collection[str], none: str) -> str:
    """Return advice for an unknown name: the nearest known one, else those there are, else `none`."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    if not known:
        return none
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return f"there is {', '.join(sorted(known)[:SHOWN])}{more}"
