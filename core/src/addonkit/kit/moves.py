"""Operations that take data out, in, and beside: `Kit.moves`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from addonkit.archive.names import SUFFIX
from addonkit.controller.backups.move_steps import TRANSFORM
from addonkit.controller.backups.places import PlaceRequest
from addonkit.controller.backups.sagas import CLONE, EXPORT, FOREIGN, IMPORT
from addonkit.errors import AlreadyExists, BackupError, InvalidInput
from addonkit.kit.backups import Backups, Restored
from addonkit.kit.data_places import place_instead, place_like
from addonkit.models.backup import Backup
from addonkit.models.identifiers import check_app_name, check_instance_name
from addonkit.models.instance import Instance
from addonkit.models.secret import Secret
from addonkit.models.views import Plan


class Moves:
    """Export, import and clone. All methods raise AddonkitErrors.

    Args:
        backups: finds archives, instances and places for data, and runs the sagas.
    """

    def __init__(self, backups: Backups) -> None:
        self._backups = backups
        self._places = backups.places
        self._admission = backups.admission
        self._service = backups.service
        self._moves = backups.moves

    async def export(self, name: str, file: str, app: str | None = None) -> Backup:
        """Write an archive of an instance into a file, and read it up to its end.

        Args:
            name: of the instance.
            file: path of the archive, which is not there yet; its name ends with `.tar.zst.age`.
            app: what knows the instance by that name.

        Raises:
            AlreadyExists: the file is there.
            BackupError: the instance has nothing to export, or is not active.
            SagaFailed: it could not be written; no half of it stays.
        """
        path = await asyncio.to_thread(_new_file, file)
        made = await self._service.export(await self._places.find(name, app), str(path))
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        return Backup(made.name, made.addon, made.created, size, made.location)

    async def plan_export(self, name: str, file: str, app: str | None = None) -> Plan:
        """Return what export would do; nothing written."""
        path, instance = await asyncio.to_thread(_new_file, file), await self._places.find(name, app)
        self._service.check(instance)
        return Plan(f"{instance.name} would be written to {path}", self._moves.planned_move(EXPORT))

    async def import_(self, name: str, file: str, *, into: str = "", app: str | None = None) -> Restored:
        """Fill an instance from a file that `export` or a backup wrote, or from data of another origin.

        The data go into a new place. Those of an archive are compared there. What they come from is only read.

        Args:
            name: of the instance, which has to be empty; it is not used with `into`.
            file: path of the archive; or of a file or folder, or a URL, that the addon can import.
            into: name of a new instance to be made instead.
            app: what knows the instance by that name; with `into` the app that gets the new one.

        Raises:
            SagaFailed: the instance is not empty, or the file cannot be restored; nothing has changed.
        """
        if _is_foreign(file):
            return await self._import_foreign(name, file, into, app)
        path = str(await asyncio.to_thread(_existing_file, file))
        if into:
            return await self._backups.restore(into, backup=path, into=check_instance_name(into), app=app)
        instance, found, place = await self._import(name, path, app)
        served = await self._moves.import_(found, place, instance)
        return Restored(served, found, await self._places.former_name(served))

    async def plan_import(self, name: str, file: str, *, into: str = "", app: str | None = None, key: str = "") -> Plan:
        """Return what import would do; nothing written. `key` is an age identity that opens the file."""
        if _is_foreign(file):
            instance, _source = await self._foreign(name, file, into, app)
            text = f"{instance.name}, if it is empty, would have the data of {_shown(file)}"
            return Plan(text, self._moves.planned_move(FOREIGN))
        path = str(await asyncio.to_thread(_existing_file, file))
        if into:
            return await self._backups.plan_restore(into, backup=path, into=into, app=app, key=key)
        instance, found, _place = await self._import(name, path, app, key)
        text = f"{instance.name}, if it is empty, would have the data of {found.name}"
        return Plan(text, self._moves.planned_move(IMPORT))

    async def clone(
        self,
        name: str,
        owner: str,
        *,
        new: str = "",
        app: str | None = None,
        script: str = "",
        verify: bool = False,
    ) -> Instance:
        """Copy an instance into a new one, compare, and give that to an app. The original is only read.

        Args:
            name: of the instance.
            owner: the app that gets the copy; it is made if there is none.
            new: name of the copy; default is `<owner>-<addon>`.
            app: what knows the instance by that name.
            script: runs in the copy before an app can use it, such as SQL that masks names; it is kept with the steps.
            verify: read and compare all data, also where the server itself makes the copy.

        Raises:
            AlreadyExists: an instance has that name.
            SagaFailed: it could not be copied, or the copy differs; nothing of it stays.
        """
        instance, place, name_of_copy, alias = await self._clone(name, owner, new, app)
        return await self._moves.clone(instance, place, name_of_copy, alias, script, verify=verify)

    async def plan_clone(
        self, name: str, owner: str, *, new: str = "", app: str | None = None, script: str = ""
    ) -> Plan:
        """Return what clone would do; nothing written."""
        instance, _place, name_of_copy, _alias = await self._clone(name, owner, new, app)
        self._moves.check_clone(instance, script)
        text = f"{name_of_copy}, a new instance of app {owner}, would have the data of {instance.name}"
        without = () if script else (TRANSFORM,)
        return Plan(text, self._moves.planned_move(CLONE, without=without))

    async def _clone(self, name: str, owner: str, new: str, app: str | None) -> tuple[Instance, PlaceRequest, str, str]:
        instance = await self._places.find(name, app)
        check_app_name(owner)
        wanted = check_instance_name(new) if new else f"{owner}-{instance.addon}"
        alias = await self._places.free_label(wanted, owner, instance.addon, "clone")
        place = place_like(instance, owner)
        self._admission.admit_new(place, alias)
        return instance, place, wanted, alias

    async def _import(
        self, name: str, path: str, app: str | None, key: str = ""
    ) -> tuple[Instance, Backup, PlaceRequest]:
        instance, found = await self._places.find(name, app), await self._backups.find(path, key=key)
        if instance.addon != found.addon:
            raise InvalidInput(f"cannot import into {instance.name}", f"{path} is of addon {found.addon}")
        self._service.check(instance)
        manifest = await self._service.manifest(found, key)
        place = await self._places.for_archive(manifest, instance.app, instance.variant, instance.options)
        await self._admission.admit(place, instance)
        return instance, found, place

    async def _import_foreign(self, name: str, file: str, into: str, app: str | None) -> Restored:
        instance, source = await self._foreign(name, file, into, app)
        served = await self._moves.import_foreign(source, place_instead(instance), instance)
        origin = Backup(_shown(file), instance.addon, self._service.now(), 0, _shown(file))
        return Restored(served, origin, await self._places.former_name(served))

    async def _foreign(self, name: str, file: str, into: str, app: str | None) -> tuple[Instance, Path | Secret]:
        """Return the instance that is to be filled, and what with."""
        if into:
            found = f"{_shown(file)} does not say which addon it is for"
            raise InvalidInput(f"cannot import into {into}", found, "create an empty instance, and name it instead")
        instance = await self._places.find(name, app)
        self._service.check(instance)
        await self._admission.admit(place_instead(instance), instance)
        if "://" in file:
            self._moves.check_foreign(instance.addon, urlsplit(file).scheme)
            return instance, Secret(file)
        path = await asyncio.to_thread(_existing, file)
        self._moves.check_foreign(instance.addon, "folder" if await asyncio.to_thread(path.is_dir) else "file")
        return instance, path


def _existing_file(file: str) -> Path:
    """Return the full path of a file that data come from. Blocking."""
    path = _existing(file)
    if not path.is_file():
        raise BackupError(f"cannot import {file}", "it is no file")
    return path


def _existing(file: str) -> Path:
    """Return the full path of a file or a folder that data come from. Blocking."""
    path = Path(file).expanduser().absolute()
    if not path.exists():
        raise BackupError(f"cannot import {file}", "there is no such file")
    if not (path.is_file() or path.is_dir()):
        raise BackupError(f"cannot import {file}", "it is neither a file nor a folder")
    return path


def _new_file(file: str) -> Path:
    """Return the full path of a file that data go to. Blocking."""
    path = Path(file).expanduser().absolute()
    if not path.name.endswith(SUFFIX):
        advice = f"choose another name, such as {path.name.partition('.')[0]}{SUFFIX}"
        raise InvalidInput(f"cannot export to {file}", f"its name does not end with {SUFFIX}", advice)
    if path.exists():
        raise AlreadyExists(f"cannot export to {file}", "the file exists", "choose another name")
    if not path.parent.is_dir():
        raise InvalidInput(f"cannot export to {file}", f"{path.parent} is no directory")
    return path


def _is_foreign(file: str) -> bool:
    return "://" in file or not file.endswith(SUFFIX)


def _shown(file: str) -> str:
    """Return a URL without what may be a secret in it."""
    if "://" not in file:
        return file
    parts = urlsplit(file)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
