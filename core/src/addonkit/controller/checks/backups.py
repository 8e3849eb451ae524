"""Checks backups: interrupted work, former instances past their time, backups on trust."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.errors import AddonkitError
from addonkit.models.backup_state import BackupState
from addonkit.models.instance import Instance, Purpose
from addonkit.models.views import Finding

if TYPE_CHECKING:
    from addonkit.controller.backups.service import BackupService
    from addonkit.models.backup import Backup
    from addonkit.store.interface import Store

INTERRUPTED: Final = "interrupted-backup"
EXPIRED: Final = "expired-former"
LEFTOVER: Final = "leftover-scratch"
TROUBLE: Final = "backup-trouble"


class BackupChecks:
    """Looks at backups; changes nothing.

    Args:
        store: where instances are.
        service: makes backups.
        home: directory of the home.
    """

    def __init__(self, store: Store, service: BackupService, home: Path) -> None:
        self._store = store
        self._service = service
        self._home = home

    async def check_backups(self) -> list[Finding]:
        """Return a finding for each thing."""
        return [
            *[
                Finding(INTERRUPTED, each.id, f"{each.saga} was interrupted; nothing is lost", "undo it", each.id)
                for each in await self._service.cleanup.interrupted()
            ],
            *[
                Finding(EXPIRED, each.name, "nothing needs its data any more", "remove it and its data", each.id)
                for each in await self._service.cleanup.expired()
            ],
            *[
                Finding(LEFTOVER, each.name, "nothing works with it", "remove it and its data", each.id)
                for each in await self._service.cleanup.leftovers()
            ],
            *await self._check_states(),
            *await self._check_repository(),
        ]

    async def fix(self, finding: Finding) -> str:
        """Undo what was interrupted, or remove an instance."""
        if finding.kind == INTERRUPTED:
            await self._service.cleanup.undo(finding.key)
            return f"{finding.subject}: undone"
        await self._service.cleanup.remove(finding.key)
        return f"{finding.subject}: removed"

    async def _check_states(self) -> list[Finding]:
        """Return what `list` shows too; what is not verified is found in the repository."""
        found, now = [], self._service.now()
        for entity in await self._store.list(BackupState):
            instance = await self._store.get(Instance, entity.name)
            if instance is not None:
                name, known = instance.value.name, attrs.evolve(entity.value, unverified="")
                found += [Finding(TROUBLE, name, each) for each in known.troubles(now, name)]
        return found

    async def _check_repository(self) -> list[Finding]:
        url = self._service.repository.url
        if not self._service.repository.may_hold_something():
            return []
        try:
            found = await self._service.repository.list()
        except AddonkitError as error:
            return [Finding("backups-unreachable", url, str(error))]
        there = {each.value.name for each in await self._store.list(Instance) if each.value.purpose is Purpose.SERVE}
        newest = {each.instance: each for each in found if each.instance in there}
        return [*_unverified(newest.values()), *self._same_disk(newest)]

    def _same_disk(self, newest: Mapping[str, Backup]) -> Iterator[Finding]:
        directory = self._service.repository.directory
        if not newest or directory is None or directory.stat().st_dev != self._home.stat().st_dev:
            return
        lost = f"they are on the same disk as {self._home}, and are lost with it"
        problem = f"{lost}; set ADDONKIT_BACKUPS to another place"
        yield Finding("backups-on-same-disk", str(directory), problem)


def _unverified(newest: Collection[Backup]) -> Iterator[Finding]:
    for each in newest:
        if each.proof is None:
            problem = f"nothing says that it can be restored; run `addonkit backup verify {each.name}`"
            yield Finding("unverified-backup", each.name, problem)
