"""Backups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import attrs

from addonkit.models.backup import Backup
from addonkit.models.token import Role
from addonkit.server.endpoints import LONG, Call, Endpoints, Page, Reply
from addonkit.server.paging import ListQuery, page
from addonkit.server.resources.instances import owned
from addonkit.server.resources.operations import OperationResource, begin
from addonkit.server.schema import Text

endpoint: Final = Endpoints()


@attrs.frozen
class BackupResource:
    """A backup.

    Attributes:
        name: of the backup.
        instance: name that the instance had.
        addon: name of the addon.
        created: when it was begun.
        size: bytes of the archive.
        verified: when it was proved that it can be restored; null when it was not.
    """

    name: str
    instance: str
    addon: str
    created: datetime
    size: int
    verified: datetime | None


@attrs.frozen
class CreateBackup:
    """A request for a backup.

    Attributes:
        verify: prove at once that it can be restored.
    """

    verify: bool = True


BackupName = Annotated[str, Text("([A-Za-z0-9][A-Za-z0-9._/-]*)?", 300)]


@attrs.frozen
class RestoreInstance:
    """A request to bring data back.

    Attributes:
        backup: name of the backup; empty means the newest of the instance.
    """

    backup: BackupName = ""


@attrs.frozen
class VerifyBackup:
    """A request to prove that a backup can be restored.

    Attributes:
        backup: name of the backup; empty means the newest of the instance.
    """

    backup: BackupName = ""


@endpoint("GET", "/v1/instances/{instance}/backups")
async def list_backups(call: Call, instance: str, query: ListQuery) -> Page[BackupResource]:
    """List the backups of an instance, which need not exist any more; oldest first."""
    await _check_reach(call, instance)
    part = page(await call.kit.backups.list(instance), lambda each: each.name, query)
    return Page(tuple(map(_resource, part.items)), part.next)


@endpoint("POST", "/v1/instances/{instance}/backups", Role.OPERATOR, status=LONG)
async def create_backup(call: Call, instance: str, body: CreateBackup) -> OperationResource | Reply:
    """Back up an instance."""
    await owned(call, instance)
    return await begin(call, "back_up", {"instance": instance, "verify": body.verify})


@endpoint("POST", "/v1/instances/{instance}/verify", Role.OPERATOR, status=LONG)
async def verify_backup(call: Call, instance: str, body: VerifyBackup) -> OperationResource | Reply:
    """Restore a backup into a scratch instance, and compare."""
    if call.principal.apps:
        await _check_own(call, instance, body.backup)
    return await begin(call, "verify", {"instance": instance, "backup": body.backup})


@endpoint("POST", "/v1/instances/{instance}/restore", Role.OPERATOR, status=LONG)
async def restore_instance(call: Call, instance: str, body: RestoreInstance) -> OperationResource | Reply:
    """Bring the data of an instance back from a backup; its present data are kept for a week."""
    if call.principal.apps:
        await _check_own(call, instance, body.backup)
    return await begin(call, "restore", {"instance": instance, "backup": body.backup})


@endpoint("POST", "/v1/instances/{instance}/rollback", Role.OPERATOR, status=LONG)
async def roll_back_instance(call: Call, instance: str) -> OperationResource | Reply:
    """Put back what a restore has taken the place of."""
    await owned(call, instance)
    return await begin(call, "rollback", {"instance": instance})


async def _check_reach(call: Call, instance: str) -> None:
    """A token for some apps reaches the backups of instances that exist, and are theirs."""
    if call.principal.apps:
        await owned(call, instance)


async def _check_own(call: Call, instance: str, backup: str) -> None:
    """A token for some apps brings back what an instance of theirs held, or one that was created for them.

    Raises:
        UnknownBackup: there is none of that name; a path is none.
        Refused: the data are those of another app.
    """
    view = await owned(call, instance)
    found = await call.kit.backups.find(backup or view.instance.name, files=False)
    manifest = await call.kit.backups.service.manifest(found)
    if manifest.instance_id != view.instance.id:
        call.principal.require_app(manifest.app, call.attempted)


def _resource(backup: Backup) -> BackupResource:
    verified = backup.proof.verified if backup.proof else None
    return BackupResource(backup.name, backup.instance, backup.addon, backup.created, backup.size, verified)
