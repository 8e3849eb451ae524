"""Makes, proves and restores backups of a home that another process serves."""

from __future__ import annotations

from typing import NoReturn

from addonkit.archive.names import SUFFIX
from addonkit.client.options import path_of
from addonkit.client.refusals import refuse
from addonkit.client.transport import Transport, part
from addonkit.client.values import backup_of, view_of
from addonkit.errors import AddonkitError, InvalidInput, UnknownBackup
from addonkit.kit.backups import Restored, Verification
from addonkit.models.backup import Backup
from addonkit.models.instance import Instance


class RemoteBackups:
    """Has the names of `Backups`, as far as the API offers them.

    Attributes:
        url: where backups are kept, as far as a client can tell.
    """

    def __init__(self, transport: Transport, url: str) -> None:
        self._transport = transport
        self._service = url
        self.url = f"the repository of {url}"

    def __getattr__(self, name: str) -> NoReturn:
        refuse(self._service, name, "--dry-run" if name.startswith("plan_") else "backup key")

    async def ensure_key(self) -> bool:
        """See `Backups.ensure_key`: the service makes it, and its home shows it."""
        return False

    async def create(self, name: str, app: str | None = None, *, verify: bool = True) -> Backup:
        """See `Backups.create`."""
        path = f"{await path_of(self._transport, name, app)}/backups"
        done = await self._transport.carry_out("POST", path, {"verify": verify})
        return await self.find(done["result"]["backup"], files=False)

    async def list(self, name: str = "", app: str | None = None) -> tuple[Backup, ...]:
        """See `Backups.list`."""
        if not name:
            return tuple(map(backup_of, await self._transport.all("/v1/backups")))
        path = f"/v1/instances/{part(name)}" if app is None else await path_of(self._transport, name, app)
        return tuple(map(backup_of, await self._transport.all(f"{path}/backups")))

    async def find(self, name: str, *, files: bool = True, key: str = "") -> Backup:  # noqa: ARG002 - of `Backups`
        """See `Backups.find`; a file is on another machine."""
        if files and name.endswith(SUFFIX):
            raise InvalidInput(f"cannot read {name}", "a service reads its repository alone, and no files")
        found = await self.list(name.partition("/")[0])
        matching = [each for each in found if "/" not in name or each.name == name]
        if not matching:
            raise UnknownBackup(
                f"cannot find backup {name}", f"{self.url} does not have it", "see `addonkit backup list`"
            )
        return matching[-1]

    async def verify(self, name: str) -> Backup:
        """See `Backups.verify`."""
        backup = await self.find(name)
        path = f"/v1/instances/{part(backup.instance)}/verify"
        await self._transport.carry_out("POST", path, {"backup": backup.name})
        return await self.find(backup.name)

    async def try_verify(self, name: str) -> Verification:
        """See `Backups.try_verify`."""
        return await self._verification(await self.find(name))

    async def verify_all(self) -> tuple[Verification, ...]:
        """See `Backups.verify_all`."""
        return tuple([await self._verification(each) for each in await self.list()])

    async def _verification(self, backup: Backup) -> Verification:
        try:
            return Verification(await self.verify(backup.name))
        except AddonkitError as error:
            return Verification(backup, error)

    async def delete(self, name: str) -> Backup:
        """See `Backups.delete`."""
        backup = await self.find(name, files=False)
        instance, _slash, own = backup.name.partition("/")
        await self._transport.ask("DELETE", f"/v1/instances/{part(instance)}/backups/{part(own)}")
        return backup

    async def restore(self, name: str, *, backup: str = "", into: str = "", app: str | None = None) -> Restored:
        """See `Backups.restore`; a service restores into the instance alone."""
        if into:
            raise InvalidInput(f"cannot restore into {into}", "a service restores into the instance alone")
        path = await path_of(self._transport, name, app)
        source = (await self.find(backup)).name if backup else ""
        done = (await self._transport.carry_out("POST", f"{path}/restore", {"backup": source}))["result"]
        served = view_of(await self._transport.ask("GET", path)).instance
        return Restored(served, await self.find(done["backup"]), done["former"])

    async def rollback(self, name: str, app: str | None = None) -> Instance:
        """See `Backups.rollback`."""
        path = await path_of(self._transport, name, app)
        await self._transport.carry_out("POST", f"{path}/rollback")
        return view_of(await self._transport.ask("GET", path)).instance
