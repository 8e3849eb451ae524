"""What a user can ask about backups: `Kit.backups`."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from addonkit.archive.names import SUFFIX
from addonkit.controller.backups.places import PlaceRequest
from addonkit.controller.backups.service import BackupService
from addonkit.controller.lookup import find_instance
from addonkit.controller.variables import associations_of
from addonkit.errors import AddonkitError, AlreadyExists, InvalidInput, UnknownInstance, UnknownVersion
from addonkit.models.backup import Backup, Manifest
from addonkit.models.identifiers import check_app_name, new_id
from addonkit.models.instance import Instance, Purpose

if TYPE_CHECKING:
    from addonkit.controller.controller import Controller
    from addonkit.kit.operations import Operations
    from addonkit.kit.services import Services
    from addonkit.store.interface import Transaction


@attrs.frozen
class Verification:
    """What came of one backup.

    Attributes:
        backup: with its proof, if it is verified.
        fault: why it is not; None when it is.
    """

    backup: Backup
    fault: AddonkitError | None = None


class Backups:
    """Backups of instances. All methods raise AddonkitErrors."""

    def __init__(self, services: Services, operations: Operations, controller: Controller) -> None:
        self._store = services.store
        self._operations = operations
        parts = services.backups()
        self._keyring = parts.keyring
        self._shelf = parts.shelf
        self._service = BackupService(
            services.store,
            services.registry,
            services.engine,
            services.leases,
            controller,
            parts.archives,
            parts.shelf,
            services.clock,
        )

    @property
    def url(self) -> str:
        """Where backups are kept."""
        return self._shelf.url

    async def create(self, name: str, app: str | None = None, *, verify: bool = True) -> Backup:
        """Write a backup of an instance, restore it into a scratch instance, and compare.

        Args:
            name: of the instance.
            app: what knows it by that name.
            verify: whether it is proved at once; otherwise nothing says that it can be restored.

        Raises:
            BackupError: the instance has nothing to back up, or is not active.
            SagaFailed: it could not be written, and nothing of it stays; or it was written and cannot be restored.
        """
        backup = await self._service.create(await self._find(name, app))
        return await self.verify(backup.name) if verify else backup

    async def list(self, name: str = "", app: str | None = None) -> tuple[Backup, ...]:
        """Backups of one instance, which need not exist any more, or of all; oldest first."""
        return await self._shelf.list(await self._known(name, app) if name else "")

    async def find(self, name: str) -> Backup:
        """The backup of that name, or the newest of the instance of that name; a path names a file.

        Raises:
            UnknownBackup: there is none.
        """
        if not name.endswith(SUFFIX):
            return await self._shelf.find(name)
        path = await asyncio.to_thread(lambda: Path(name).expanduser().absolute())
        blank = Backup(path.name.removesuffix(SUFFIX), "", self._service.now(), 0, str(path))
        manifest = await self._service.manifest(blank)
        return attrs.evolve(blank, name=manifest.name, addon=manifest.addon, created=manifest.created)

    async def verify(self, name: str) -> Backup:
        """Restore a backup into a scratch instance and compare; the answer has its proof.

        Raises:
            SagaFailed: it cannot be restored, or does not hold what it should.
        """
        backup = await self.find(name)
        manifest = await self._service.manifest(backup)
        return await self._service.verify(backup, await self._place(manifest, manifest.app))

    async def verify_all(self) -> tuple[Verification, ...]:
        """Verify every backup; one that fails does not keep the others from it."""
        return tuple([await self._verification(each) for each in await self.list()])

    async def delete(self, name: str) -> Backup:
        """Delete a backup for good."""
        backup = await self._shelf.find(name)
        await self._shelf.delete(backup)
        return backup

    async def key(self) -> tuple[str, bool]:
        """The age identity that opens the backups of this home, and whether it was made just now."""
        key, new = await self._keyring.ensure()
        return key.identity.reveal(), new

    async def recipients(self) -> tuple[str, ...]:
        """Public keys that backups are encrypted to."""
        return await self._keyring.recipients()

    async def add_key(self, identity: str) -> None:
        """Keep an age identity that opens backups of another home."""
        await self._keyring.add(identity)

    async def restore(
        self, name: str, *, backup: str = "", into: str = "", app: str | None = None
    ) -> tuple[Instance, Backup]:
        """Bring data back: into a new place, proved there, and only then used.

        The instance that had the name stays as a former one for a week; see `rollback`. One that does not exist any
        more is made anew.

        Args:
            name: of the instance.
            backup: name or file of the backup; default is the instance's newest.
            into: name of a new instance, instead of taking the place of the old one.
            app: for the new instance; default is the one that was backed up.

        Raises:
            UnknownBackup: there is none.
            SagaFailed: it cannot be restored, or does not hold what it should; nothing has changed.
        """
        found = await self.find(backup or await self._known(name, None if into else app))
        manifest = await self._service.manifest(found)
        instance = None if into else await self._existing(name, app)
        if instance is not None:
            if instance.addon != manifest.addon:
                other = f"{found.name} is of addon {manifest.addon}, not {instance.addon}"
                raise InvalidInput(f"cannot restore {instance.name}", other)
            place = await self._place(manifest, instance.app, instance.variant)
            return await self._service.restore(found, place, instance), found
        owner = check_app_name(app or manifest.app)
        new_name = into or manifest.instance
        alias = await self._store.transact(lambda tx: _free_label(tx, new_name, owner, manifest.addon))
        place = await self._place(manifest, owner)
        return await self._service.restore_into(found, place, new_name, alias), found

    async def rollback(self, name: str, app: str | None = None) -> Instance:
        """Put back what a restore has taken the place of; what serves now becomes the former one.

        Raises:
            BackupError: nothing took its place, or the former one was removed.
        """
        return await self._service.rollback(await self._find(name, app))

    async def _verification(self, backup: Backup) -> Verification:
        try:
            return Verification(await self.verify(backup.name))
        except AddonkitError as error:
            return Verification(backup, error)

    async def _place(self, manifest: Manifest, app: str, variant: str = "") -> PlaceRequest:
        """A place for the data of a backup: as it was, with the version of its server or the nearest that is here."""
        spec = f"{manifest.addon}:{variant or manifest.variant}"
        try:
            request = await asyncio.to_thread(
                partial(self._operations.check, spec, app, version=manifest.server_version)
            )
        except UnknownVersion:
            request = await asyncio.to_thread(partial(self._operations.check, spec, app))
        return PlaceRequest(new_id(), request.addon, app, request.variant, request.distribution, request.config)

    async def _find(self, name: str, app: str | None) -> Instance:
        return await self._store.transact(lambda tx: find_instance(tx, name, app).value)

    async def _existing(self, name: str, app: str | None) -> Instance | None:
        try:
            found = await self._find(name, app)
        except UnknownInstance:
            return None
        return found if found.purpose is Purpose.SERVE else None

    async def _known(self, name: str, app: str | None) -> str:
        """The full name of an instance; one that does not exist is named in full."""
        found = await self._existing(name, app)
        return found.name if found else name


def _free_label(tx: Transaction, name: str, app: str, addon: str) -> str:
    """The alias under which a restored instance is tied to an app: none where the addon's own name is free.

    Raises:
        AlreadyExists: an instance has the name, or the app has something under both names.
    """
    if tx.list(Instance, {"name": name}, limit=1).items:
        raise AlreadyExists(f"cannot restore into {name}", "an instance has that name", "choose another with --into")
    labels = {each.label for each in associations_of(tx, app)}
    if addon not in labels:
        return ""
    if name in labels:
        raise AlreadyExists(f"cannot restore into {name}", f"app {app} has {addon} and {name} already")
    return name
