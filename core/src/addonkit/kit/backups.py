"""Operations on backups: `Kit.backups`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from addonkit.archive.names import SUFFIX
from addonkit.controller.backups.move_service import MoveService
from addonkit.controller.backups.places import PlaceRequest
from addonkit.controller.backups.sagas import BACKUP, ROLLBACK, VERIFY
from addonkit.controller.backups.service import BackupService
from addonkit.controller.checks.backups import BackupChecks
from addonkit.errors import AddonkitError, InvalidInput
from addonkit.kit.data_places import DataPlaces
from addonkit.kit.place_admission import PlaceAdmission
from addonkit.models.backup import ArchiveManifest, Backup
from addonkit.models.execution import Event, EventKind
from addonkit.models.identifiers import check_app_name
from addonkit.models.instance import Instance
from addonkit.models.views import Plan
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.archive.reader import StreamReader
    from addonkit.controller.controller import Controller
    from addonkit.kit.creation import Creation
    from addonkit.kit.services import Services


@frozen
class Verification:
    """The result of verifying one backup.

    Attributes:
        backup: with its proof, if it is verified.
        fault: why it is not; None when it is.
    """

    backup: Backup
    fault: AddonkitError | None = None


@frozen
class Restored:
    """The result of a restore.

    Attributes:
        instance: that has the data now.
        backup: that they come from.
        former: name of the instance that has the data from before; empty when there were none.
    """

    instance: Instance
    backup: Backup
    former: str = ""


@frozen
class _Target:
    """A place that a backup is to be restored into.

    Attributes:
        manifest: of the backup.
        place: for its data.
        instance: that the place is to be instead of; None for a new one.
        alias: of a new instance for its app.
    """

    manifest: ArchiveManifest
    place: PlaceRequest
    instance: Instance | None = None
    alias: str = ""


class Backups:
    """Backups of instances. All methods raise AddonkitErrors.

    Attributes:
        places: finds instances, and places for data.
        admission: asks policies and the addon for such a place.
        service: runs the sagas of backups.
        moves: runs the sagas that bring data into a new place.
    """

    def __init__(self, services: Services, creation: Creation, controller: Controller) -> None:
        self._store = services.store
        self._registry = services.registry
        self._home = services.home
        self.places = DataPlaces(services.store, creation)
        self.admission = PlaceAdmission(services.store, services.registry)
        parts = services.backups()
        self._keyring = parts.keyring
        self._repository = parts.repository
        self.service = BackupService(
            services.store,
            services.registry,
            services.engine,
            services.leases,
            controller,
            parts.archives,
            parts.repository,
            services.clock,
        )
        self.moves = MoveService(
            self.service, services.store, services.registry, services.engine, controller, parts.archives
        )

    @property
    def checks(self) -> BackupChecks:
        """Return what looks for things that are not as they should be."""
        return BackupChecks(self._store, self.service, self._home)

    @property
    def url(self) -> str:
        """Return where backups are kept."""
        return self._repository.url

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
        instance = await self.places.find(name, app)
        backup = await self.service.create(instance)
        if verify:
            return await self.verify(backup.name)
        self._tell_unverified(instance, backup)
        return backup

    def _tell_unverified(self, instance: Instance, backup: Backup) -> None:
        """Tell observers what `list` shows too: nothing says that the newest backup can be restored."""
        text = f"{instance.name}: its last backup is not verified; run `addonkit backup verify {backup.name}`"
        subject = {"instance": instance.id, "app": instance.app}
        self._registry.emit(Event("", BACKUP, EventKind.FAILED, text, self.service.now(), subject=subject))

    async def plan_create(self, name: str, app: str | None = None, *, verify: bool = True) -> Plan:
        """Return what create would do; nothing written."""
        instance = await self.places.find(name, app)
        self.service.check(instance)
        return Plan(f"{instance.name} would be backed up to {self.url}", self.service.planned(verify=verify))

    async def list(self, name: str = "", app: str | None = None) -> tuple[Backup, ...]:
        """Return backups of one instance, which need not exist any more, or of all; oldest first.

        Those of an instance that was renamed are found under the names that it had.
        """
        return await self._of(await self.places.full_name(name, app)) if name else await self._repository.list()

    async def _of(self, name: str) -> tuple[Backup, ...]:
        found = [*await self._repository.list(name)]
        for former in await self.places.former_names(name):
            found += [each for each in await self._repository.list(former.name) if each.created <= former.until]
        return tuple(sorted(found, key=lambda each: (each.created, each.name)))

    async def describe(self, name: str) -> tuple[str, ...]:
        """Return a sentence about the backups of an instance; empty when there are none, or none can be found."""
        try:
            found = await self._of(name) if self._repository.may_hold_something() else ()
        except AddonkitError as error:
            return (f"its backups cannot be looked for: {error}",)
        if not found:
            return ()
        proved = [each for each in found if each.proof]
        newest = f"the newest verified one is {proved[-1].name}" if proved else "none of them is verified"
        noun = "backup" if len(found) == 1 else "backups"
        return (f"{len(found):,} {noun} in {self.url}; {newest}",)

    async def find(self, name: str, *, files: bool = True, key: str = "") -> Backup:
        """Return the backup of that name, or the newest of the instance of that name; a path names a file.

        Args:
            name: what it is called.
            files: whether a path is one.
            key: an age identity that opens it, besides those that are known.

        Raises:
            UnknownBackup: there is none.
        """
        if not (files and name.endswith(SUFFIX)):
            known = await self._of(name) if "/" not in name else ()
            return known[-1] if known else await self._repository.find(name)
        path = await asyncio.to_thread(lambda: Path(name).expanduser().absolute())
        blank = Backup(path.name.removesuffix(SUFFIX), "", self.service.now(), 0, str(path))
        manifest = await self.service.manifest(blank, key)
        return attrs.evolve(blank, name=manifest.name, addon=manifest.addon, created=manifest.created)

    async def verify(self, name: str) -> Backup:
        """Restore a backup into a scratch instance and compare; the answer has its proof.

        Raises:
            SagaFailed: it cannot be restored, or does not hold what it should.
        """
        backup = await self.find(name)
        manifest = await self.service.manifest(backup)
        return await self.service.verify(backup, await self.places.for_archive(manifest, manifest.app))

    async def plan_verify(self, name: str = "") -> Plan:
        """Return what verify would do, or verify_all without a name; nothing written."""
        found = (await self.find(name),) if name else await self.list()
        summary = f"{found[0].name} would" if len(found) == 1 else f"{len(found):,} backups would, one after the other,"
        return Plan(f"{summary} be restored and compared", self.moves.planned_move(VERIFY) if found else ())

    @asynccontextmanager
    async def reading(self, name: str) -> AsyncIterator[StreamReader]:
        """Read a backup itself: its manifest, its members, and its fingerprint at the end."""
        async with self.service.archive(await self.find(name)).reading() as reader:
            yield reader

    async def try_verify(self, name: str) -> Verification:
        """Verify a backup; what stands against it is part of the answer."""
        return await self._verification(await self.find(name))

    async def verify_all(self) -> tuple[Verification, ...]:
        """Verify every backup; one that fails does not keep the others from it."""
        return tuple([await self._verification(each) for each in await self.list()])

    async def delete(self, name: str) -> Backup:
        """Delete a backup for good."""
        backup = await self._repository.find(name)
        await self._repository.delete(backup)
        return backup

    async def plan_delete(self, name: str) -> Plan:
        """Return what delete would do; nothing written."""
        found = await self._repository.find(name)
        return Plan(f"{found.name} would be deleted", lost=(f"the backup in {found.location}",))

    async def key(self) -> tuple[str, bool]:
        """Return the age identity that opens the backups of this home, and whether it was made just now."""
        key, new = await self._keyring.ensure()
        return key.identity.reveal(), new

    async def ensure_key(self) -> bool:
        """Make the key that opens the backups of this home, unless it is there; whether it was made just now."""
        return (await self._keyring.ensure())[1]

    async def recipients(self) -> tuple[str, ...]:
        """Return public keys that backups are encrypted to."""
        return await self._keyring.recipients()

    async def add_key(self, identity: str) -> None:
        """Keep an age identity that opens backups of another home."""
        await self._keyring.add(identity)

    async def restore(self, name: str, *, backup: str = "", into: str = "", app: str | None = None) -> Restored:
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
        found = await self.find(backup or await self.places.full_name(name, None if into else app))
        target = await self._target(found, name, into, app)
        if target.instance is not None:
            served = await self.moves.restore(found, target.place, target.instance)
            return Restored(served, found, await self.places.former_name(served))
        new_name = into or target.manifest.instance
        return Restored(await self.moves.restore_into(found, target.place, new_name, target.alias), found)

    async def _target(self, found: Backup, name: str, into: str, app: str | None, key: str = "") -> _Target:
        """Return where a backup is to be restored; raises what stands against it."""
        manifest = await self.service.manifest(found, key)
        instance = None if into else await self.places.find_serving(name, app)
        if instance is not None:
            if instance.addon != manifest.addon:
                other = f"{found.name} is of addon {manifest.addon}, not {instance.addon}"
                raise InvalidInput(f"cannot restore {instance.name}", other)
            place = await self.places.for_archive(manifest, instance.app, instance.variant, instance.options)
            await self.admission.admit(place, instance)
            return _Target(manifest, place, instance=instance)
        owner = check_app_name(app or manifest.app)
        alias = await self.places.free_label(into or manifest.instance, owner, manifest.addon, "restore")
        place = await self.places.for_archive(manifest, owner)
        self.admission.admit_new(place, alias)
        return _Target(manifest, place, alias=alias)

    async def plan_restore(
        self, name: str, *, backup: str = "", into: str = "", app: str | None = None, key: str = ""
    ) -> Plan:
        """Return what restore would do; nothing written. `key` is an age identity that opens the backup."""
        found = await self.find(backup or await self.places.full_name(name, None if into else app), key=key)
        asked = await self._target(found, name, into, app, key)
        instance = asked.instance
        target = instance.name if instance else f"{into or asked.manifest.instance}, a new instance,"
        steps = self.moves.planned_restore(into=instance is None)
        stays = (f"the data of {instance.name} from before, for a week",) if instance else ()
        return Plan(f"{target} would have the data of {found.name}", steps, stays=stays)

    async def rollback(self, name: str, app: str | None = None) -> Instance:
        """Put back what a restore has taken the place of; what serves now becomes the former one.

        Raises:
            BackupError: nothing took its place, or the former one was removed.
        """
        instance = await self.places.find(name, app)
        await self.admission.admit_apps(await self.moves.former_of(instance), instance)
        return await self.moves.rollback(instance)

    async def plan_rollback(self, name: str, app: str | None = None) -> Plan:
        """Return what rollback would do; nothing written."""
        instance = await self.places.find(name, app)
        former = await self.moves.former_of(instance)
        await self.admission.admit_apps(former, instance)
        summary = f"{instance.name} would have the data of {former.name} again; apps cannot write meanwhile"
        stays = (f"the data that {instance.name} has now, for a week",)
        return Plan(summary, self.moves.planned_move(ROLLBACK), stays=stays)

    async def _verification(self, backup: Backup) -> Verification:
        try:
            return Verification(await self.verify(backup.name))
        except AddonkitError as error:
            return Verification(backup, error)
