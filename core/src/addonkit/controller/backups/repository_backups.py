"""The backups of one repository: found, proved, deleted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

import attrs

from addonkit.archive.names import PROOF_SUFFIX, SUFFIX, archive_path
from addonkit.archive.repository import Repository
from addonkit.errors import UnknownBackup
from addonkit.models.backup import Backup, Proof
from addonkit.store.codec import structure, unstructure


class RepositoryBackups:
    """Reads and writes a repository; nothing about it is kept anywhere else.

    Args:
        url: of the repository.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._repository: Repository | None = None

    async def list(self, instance: str = "") -> tuple[Backup, ...]:
        """Return backups of one instance or of all, oldest first."""
        return await asyncio.to_thread(self._list, instance)

    def may_hold_something(self) -> bool:
        """Return whether it is worth a look: a directory that does not exist holds nothing."""
        return "://" in self.url or Path(self.url).is_dir()

    async def find(self, name: str) -> Backup:
        """Return the backup of that name; that of an instance's name is its newest.

        Raises:
            UnknownBackup: there is none.
        """
        instance = name.partition("/")[0]
        found = await self.list(instance)
        if "/" not in name and found:
            return found[-1]
        backup = next((each for each in found if each.name == name), None)
        if backup is None:
            advice = f"the newest of {instance} is {found[-1].name}" if found else "see `addonkit backup list`"
            raise UnknownBackup(f"cannot find backup {name!r}", f"{self.url} has no such backup", advice)
        return backup

    async def prove(self, backup: Backup, proof: Proof) -> Backup:
        """Record beside the archive that it was verified."""
        content = json.dumps(unstructure(proof), indent=1).encode()
        await asyncio.to_thread(self._open().write, _proof_path(backup), content)
        return attrs.evolve(backup, proof=proof)

    async def delete(self, backup: Backup) -> None:
        """Delete a backup. Does nothing if it does not exist."""
        repository = self._open()
        for path in (_proof_path(backup), archive_path(backup.name, backup.addon)):
            await asyncio.to_thread(repository.delete, path)

    @property
    def directory(self) -> Path | None:
        """The directory, if the repository is one of this machine."""
        return self._open().directory

    def _list(self, instance: str) -> tuple[Backup, ...]:
        repository = self._open()
        proved = repository.proofs(instance)
        return tuple(self._with_proofs(repository.backups(instance), proved))

    def _with_proofs(self, backups: Iterable[Backup], proved: frozenset[str]) -> Iterable[Backup]:
        for each in backups:
            known = archive_path(each.name, each.addon) in proved
            yield attrs.evolve(each, proof=self._proof(each)) if known else each

    def _proof(self, backup: Backup) -> Proof | None:
        content = self._open().read(_proof_path(backup))
        try:
            proof: Proof = structure(json.loads(content or b""), Proof)
        except ValueError:
            return None  # it proves nothing
        return proof

    def _open(self) -> Repository:
        if self._repository is None:
            self._repository = Repository(self.url)
        return self._repository


def _proof_path(backup: Backup) -> str:
    return archive_path(backup.name, backup.addon).removesuffix(SUFFIX) + PROOF_SUFFIX
