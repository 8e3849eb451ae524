"""Gives an instance or an app another name. What it has, and where, stays as it is. Parts of decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.controller.backups.outcomes import record_rename
from addonkit.controller.lookup import find_instance, get_app
from addonkit.errors import AlreadyExists, Busy
from addonkit.models.app import App, EnvironmentFile
from addonkit.models.instance import Association, Instance, Phase

if TYPE_CHECKING:
    from datetime import datetime

    from addonkit.store.interface import Transaction


def rename_instance(tx: Transaction, name: str, app: str | None, new: str, now: datetime) -> Instance:
    """Give an instance another name; variables, credentials and data stay. Its backups are found under both.

    Raises:
        UnknownInstance: there is none of that name.
        AlreadyExists: another one has the new name.
        Busy: it is being removed.
    """
    entity = find_instance(tx, name, app)
    attempted = f"cannot rename {entity.value.name}"
    if entity.value.phase is Phase.DEPROVISIONING:
        raise Busy(attempted, "it is being destroyed", f"run `addonkit retry {entity.value.name}` to complete that")
    if entity.value.name == new:
        return entity.value
    if tx.list(Instance, {"name": new}).items:
        raise AlreadyExists(attempted, f"there is an instance {new!r} already", "choose another name")
    record_rename(tx, entity.name, entity.value.name, now)
    return tx.put(entity, attrs.evolve(entity.value, name=new)).value


def rename_app(tx: Transaction, name: str, new: str) -> None:
    """Give an app another name: its variables, its instances and its attachments go with it, under their own names.

    Raises:
        UnknownApp: there is none of that name.
        AlreadyExists: another one has the new name, or instances were made for one.
        Busy: something of it is under way or failed: what was begun under the former name ends under it.
    """
    attempted = f"cannot rename app {name}"
    entity = get_app(tx, name, attempted)
    if name == new:
        return
    if entity.value.branching is not None:
        advice = f"run `addonkit branch unbind -a {name}` first"
        raise Busy(attempted, "its copies for git branches are named after it", advice)
    made, ties = tx.list(Instance, {"app": name}).items, tx.list(Association, {"app": name}).items
    if tx.get(App, new) or tx.list(Instance, {"app": new}).items:
        raise AlreadyExists(attempted, f"there is an app {new!r} already", "choose another name")
    phases = [(each.value.name, each.value.phase) for each in made]
    phases += [(_name_of(tx, each.value), each.value.phase) for each in ties]
    for instance, phase in phases:
        if phase is not Phase.ACTIVE:
            advice = f"run `addonkit retry {instance}` or `addonkit destroy {instance}` first"
            raise Busy(attempted, f"{instance} is {phase}", advice)
    tx.create(new, attrs.evolve(entity.value, name=new))
    tx.delete(App, name)
    for instance_entity in made:
        tx.put(instance_entity, attrs.evolve(instance_entity.value, app=new))
    for tie in ties:
        tx.put(tie, attrs.evolve(tie.value, app=new))
    for file in tx.list(EnvironmentFile, {"app": name}).items:
        tx.put(file, attrs.evolve(file.value, app=new))


def _name_of(tx: Transaction, association: Association) -> str:
    entity = tx.get(Instance, association.instance)
    return entity.value.name if entity else association.label
