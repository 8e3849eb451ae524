"""Backups."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

import attrs

from addonkit.models.backup import Backup
from addonkit.models.token import Role
from addonkit.server.endpoints import LONG, Call, Endpoints, Page, Reply
from addonkit.server.paging import ListQuery, page
from addonkit.server.resources.instances import apps_of, owned
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
        sha256: of the archive that was proved; null when none was.
        items: that were compared for that; null when none were.
    """

    name: str
    instance: str
    addon: str
    created: datetime
    size: int
    verified: datetime | None
    sha256: str | None
    items: int | None


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


@endpoint("GET", "/v1/backups")
async def list_all_backups(call: Call, query: ListQuery) -> Page[BackupResource]:
    """List all backups of the repository, by name; a token for some apps sees those of instances of theirs."""
    found = await call.kit.backups.list()
    if call.principal.apps:
        views = await call.kit.instances()
        own = {each.instance.name for each in views if call.principal.reaches_all(apps_of(each))}
        found = tuple(each for each in found if each.instance in own)
    part = page(found, lambda each: each.name, query)
    return Page(tuple(map(_resource, part.items)), part.next)


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


@endpoint("DELETE", "/v1/instances/{instance}/backups/{backup}", Role.OPERATOR, status=HTTPStatus.NO_CONTENT)
async def delete_backup(call: Call, instance: str, backup: str) -> None:
    """Delete a backup for good. Its name has two parts, with a slash between them."""
    name = f"{instance}/{backup}"
    if call.principal.apps:
        await _check_own(call, instance, name)
    await call.kit.backups.delete(name)


async def _check_reach(call: Call, instance: str) -> None:
    """Refuse a token for some apps unless the instance exists and is theirs."""
    if call.principal.apps:
        await owned(call, instance)


async def _check_own(call: Call, instance: str, backup: str) -> None:
    """Refuse a token for some apps unless the backup's instance is theirs, or was created for them.

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
    sha256, items = (backup.proof.sha256, backup.proof.items) if backup.proof else (None, None)
    about = (backup.name, backup.instance, backup.addon, backup.created, backup.size)
    return BackupResource(*about, verified, sha256, items)
