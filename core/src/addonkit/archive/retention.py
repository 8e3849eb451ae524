"""Chooses the backups that stay: grandfather, father, son. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from addonkit.errors import InvalidInput
from addonkit.models.backup import Backup

_KEEP: Final = re.compile(r"(?:[1-9][0-9]{0,3}[hdwmy])+", re.ASCII)
_PART: Final = re.compile(r"([0-9]+)([hdwmy])", re.ASCII)
_PERIODS: Final[Mapping[str, Callable[[datetime], tuple[int, ...]]]] = {
    "h": lambda at: (at.year, at.month, at.day, at.hour),
    "d": lambda at: (at.year, at.month, at.day),
    "w": lambda at: at.isocalendar()[:2],
    "m": lambda at: (at.year, at.month),
    "y": lambda at: (at.year,),
}


def parse_keep(text: str) -> Mapping[str, int]:
    """Return how many periods of each length keep a backup: `7d4w12m` is seven days, four weeks, twelve months.

    Raises:
        InvalidInput: it is something else.
    """
    parts = _PART.findall(text) if _KEEP.fullmatch(text) else []
    if not parts or len({unit for _, unit in parts}) < len(parts):
        advice = "write how many hours, days, weeks, months and years, as 7d4w12m"
        raise InvalidInput("cannot keep backups", f"{text!r} does not say which", advice)
    return {unit: int(count) for count, unit in parts}


def superfluous(backups: Sequence[Backup], keep: Mapping[str, int]) -> tuple[Backup, ...]:
    """Return backups of one instance that need not stay, oldest first.

    For each length, the newest periods in which there are backups keep one each: the newest that is verified, or else
    the newest. The newest verified one stays, and so does what is newer. Periods are those of local time.

    Args:
        backups: of one instance.
        keep: see `parse_keep`.
    """
    ordered = sorted(backups, key=lambda each: (each.created, each.name))
    verified = [each for each in ordered if each.proof is not None]
    if not verified:
        return ()  # what is not verified proves nothing against another
    stays = {each.name for each in ordered[ordered.index(verified[-1]) :]}
    for unit, count in keep.items():
        stays |= _chosen(ordered, _PERIODS[unit], count)
    return tuple(each for each in ordered if each.name not in stays)


def _chosen(ordered: Sequence[Backup], period: Callable[[datetime], tuple[int, ...]], count: int) -> set[str]:
    best: dict[tuple[int, ...], Backup] = {}
    for each in ordered:
        of = period(each.created.astimezone())
        if of not in best or each.proof is not None or best[of].proof is None:
            best[of] = each
    return {best[of].name for of in sorted(best)[-count:]}
