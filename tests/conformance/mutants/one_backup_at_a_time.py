"""Marks an instance while it is backed up; the mark of a backup that was killed stays, and refuses the next one."""

import json

from addonkit import AddonkitError, ArchiveWriter, Fingerprint, Instance, Saga, ServerAccess, Tenant, step
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from mutants.depot import administer, made
from mutants.depot_backups import Kept

CAUGHT_BY = "a_killed_backup_leaves_nothing[small]"
SAYS = "killed after mark cannot be backed up"

MARK = "marked"


class Marked(Kept):
    reserved = Kept.reserved | {MARK}

    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """Write the values, and remove the mark."""
        found = await super().dump(access, tenant, archive)
        await administer(access, "DELETE", MARK)
        return found

    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """List users."""
        return tuple(each for each in await super().list_claims(access) if each != MARK)


@step(undo=None)
async def mark(framework: ProviderFramework, instance: Instance, server_id: str) -> None:
    """Mark the instance."""
    access = await admin_access(framework, server_id)
    if MARK in json.loads(await administer(access, "GET", "")):
        raise AddonkitError(f"backing up {instance.name}", "another backup is under way")
    await administer(access, "PUT", MARK, "unused")


ADDON = made(tenants=Marked())
_good = ADDON.sagas.backup
ADDON.sagas.backup = Saga(_good.name, inputs=_good.inputs, steps=(mark, *_good.steps))
