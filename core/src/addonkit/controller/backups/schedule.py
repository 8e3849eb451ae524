"""Times of schedules, which are cron expressions in local time. Pure functions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from addonkit.errors import InvalidInput
from addonkit.models.backup_state import BackupState

GRACE: Final = timedelta(hours=1)
"""How long after its time a backup may be begun, and be proved, before it counts as overdue."""

FIRST_RETRY: Final = timedelta(minutes=1)
LONGEST_RETRY: Final = timedelta(hours=1)


def check_cron(text: str) -> str:
    """Return the expression itself when there are times to it.

    Raises:
        InvalidInput: it is no cron expression.
    """
    next_time(text, datetime.now().astimezone())
    return text


def next_time(cron: str, after: datetime) -> datetime:
    """Return the first time of a schedule after another time."""
    return _time(cron, after, reverse=False)


def last_time(cron: str, until: datetime) -> datetime:
    """Return the last time of a schedule that is not after another time."""
    minute = until.replace(second=0, microsecond=0)
    return _time(cron, minute + timedelta(minutes=1), reverse=True)


def _time(cron: str, at: datetime, *, reverse: bool) -> datetime:
    from cronsim import CronSim, CronSimError

    # Without a zone: the system knows which offset a local time has, also after the clocks change.
    local = at.astimezone().replace(tzinfo=None)
    try:
        return next(CronSim(cron, local, reverse=reverse)).astimezone()
    except (CronSimError, StopIteration) as error:
        found = f"{cron!r} is no cron expression: {str(error) or 'there is no such time'}"
        raise InvalidInput("cannot schedule backups", found, 'write one like "0 3 * * *"') from None


def slot_to_do(state: BackupState, now: datetime) -> datetime | None:
    """Return the time of the schedule that is due now, the last of several that were missed; None when none is."""
    if not state.cron or (state.retry_at is not None and state.retry_at > now):
        return None
    slot = last_time(state.cron, now)
    kept = [each for each in (state.since, state.done) if each is not None]
    return slot if all(slot > each for each in kept) else None


def next_look(state: BackupState, now: datetime) -> datetime | None:
    """Return when there is something to do for a schedule; None without one."""
    if not state.cron:
        return None
    if state.retry_at is not None and state.retry_at > now:
        return state.retry_at
    return next_time(state.cron, now)


def overdue_at(state: BackupState) -> datetime | None:
    """Return when the newest verified backup is too old for the schedule."""
    known = [each for each in (state.since, state.verified) if each is not None]
    return next_time(state.cron, max(known)) + GRACE if state.cron and known else None


def retry_time(failures: int, now: datetime) -> datetime:
    """Return when a scheduled backup that failed is tried again: later each time."""
    delay: timedelta = min(FIRST_RETRY * 2.0 ** min(failures - 1, 10), LONGEST_RETRY)
    return now + delay
