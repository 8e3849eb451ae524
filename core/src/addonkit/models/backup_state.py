"""The state's knowledge of the backups of an instance, and when the next one is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from addonkit.util.values import frozen


@frozen
class FormerName:
    """A name that an instance had until a time: backups from before then are called by it."""

    name: str
    until: datetime


@frozen
class BackupState:
    """Of one instance; there is none before its first backup or schedule.

    Attributes:
        id: of the instance.
        cron: when it is backed up, in local time; empty without a schedule.
        keep: which backups stay, as `7d4w12m`; empty for all of them.
        since: when the schedule was set.
        done: the time of the schedule that was kept last.
        verified: when the newest verified backup was begun.
        unverified: name of a newer backup that is not verified; empty when there is none.
        failure: why the last backup failed; empty when it did not.
        failures: of scheduled backups in a row; the next try is at `retry_at`.
        overdue_at: when the newest verified backup is older than the schedule allows; None without a schedule.
        announced: whether observers know that it is overdue.
        names: that the instance had before.
    """

    kind: ClassVar[str] = "backup-state"
    indexed: ClassVar[tuple[str, ...]] = ()

    id: str
    cron: str = ""
    keep: str = ""
    since: datetime | None = None
    done: datetime | None = None
    verified: datetime | None = None
    unverified: str = ""
    failure: str = ""
    failures: int = 0
    retry_at: datetime | None = None
    overdue_at: datetime | None = None
    announced: bool = False
    names: tuple[FormerName, ...] = ()

    def is_overdue(self, now: datetime) -> bool:
        """Return whether the newest verified backup is older than the schedule allows."""
        return self.overdue_at is not None and self.overdue_at <= now

    def troubles(self, now: datetime, name: str) -> tuple[str, ...]:
        """Return what is wrong with the backups of the instance of that name, a clause each."""
        return tuple(self._troubles(now, name))

    def _troubles(self, now: datetime, name: str) -> Iterator[str]:
        if self.failure:
            yield f"its last backup failed: {self.failure}; run `addonkit backup create {name}`"
        if self.unverified:
            yield f"its last backup is not verified; run `addonkit backup verify {self.unverified}`"
        if self.is_overdue(now):
            last = f"is from {self.verified.astimezone():%Y-%m-%d %H:%M}" if self.verified else "does not exist"
            yield f"its last verified backup {last}, and its schedule is {self.cron!r}; is `addonkit serve` running?"
