"""Destroyed instances and apps that can be brought back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import attrs

from addonkit.models.backup import Backup
from addonkit.models.backup_state import BackupState
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.variable import Variable
from addonkit.util.values import frozen


@frozen
class TrashedInstance:
    """An instance that was destroyed. Its data are the final backup; the rest is what a new one is made of.

    Attributes:
        id: that the instance had.
        name: that it had.
        addon: name of the addon; `distribution` provided it.
        app: that it was created for.
        variant: name of the variant; `config` is resolved.
        backup: the final one, verified.
        destroyed: when.
        expires: when the backup is removed, and nothing can be brought back any more.
        ties: apps that it was attached to, without variables and credentials.
        backups: what was known of its backups, with their schedule.
        successor: id of the instance that had taken its place, of a former one.
    """

    kind: ClassVar[str] = "trash"
    indexed: ClassVar[tuple[str, ...]] = ("name", "app")

    id: str
    name: str
    addon: str
    app: str
    variant: str
    backup: Backup
    destroyed: datetime
    expires: datetime
    distribution: str = ""
    config: Mapping[str, str] = attrs.field(factory=dict)
    ties: tuple[Association, ...] = ()
    backups: BackupState | None = None
    successor: str = ""


@frozen
class TrashedApp:
    """The belongings of an app that was removed, besides the instances that were created for it.

    Attributes:
        name: of the app.
        destroyed: when.
        expires: when this is forgotten.
        variables: that were set by hand.
        ties: instances of other apps that it was attached to, without variables and credentials.
    """

    kind: ClassVar[str] = "trashed-app"
    indexed: ClassVar[tuple[str, ...]] = ()

    name: str
    destroyed: datetime
    expires: datetime
    variables: tuple[Variable, ...] = ()
    ties: tuple[Association, ...] = ()


def trashed(
    instance: Instance,
    ties: tuple[Association, ...],
    backup: Backup,
    now: datetime,
    expires: datetime,
    backups: BackupState | None = None,
) -> TrashedInstance:
    """Return what is kept of an instance that is destroyed now."""
    return TrashedInstance(
        instance.id,
        instance.name,
        instance.addon,
        instance.app,
        instance.variant,
        backup,
        now,
        expires,
        instance.distribution,
        instance.config,
        tuple(blank(each) for each in ties if each.phase is not Phase.DEPROVISIONING),
        backups,
        instance.successor,
    )


def blank(tie: Association) -> Association:
    """Return a tie as it was asked for; what it got is left out."""
    return attrs.evolve(
        tie,
        phase=Phase.PENDING,
        message="",
        attempt=1,
        teardown=1,
        plain=(),
        variables=(),
        attributes={},
        unset_variables=(),
        by_port=(),
        generation=1,
        generations=1,
        rotation=None,
        formers=(),
    )
