"""Reads what the processes of a server do, as the kernel accounts it. Blocking, a few milliseconds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from addonkit.util.procfs import all_pids, read_status

_BUSY: Final = frozenset("RD")
"""States of a thread that has a processor, waits for one, or waits for a disk, see proc_pid_stat(5)."""


class Activity(NamedTuple):
    """The activity of processes at one moment.

    Attributes:
        ticks: of processors that were used since each process began, for comparisons.
        is_busy: whether a thread runs, wants to run, or waits for a disk.
        is_held: whether a debugger holds a thread.
    """

    ticks: int
    is_busy: bool
    is_held: bool


def family_of(leader: int) -> tuple[int, ...]:
    """Return the pids of a server: its session, and what descends from it in sessions of their own."""
    parents: dict[int, list[int]] = {}
    found = set()
    for pid in all_pids():
        status = read_status(pid)
        if status is not None and not status.ended:
            parents.setdefault(status.parent, []).append(pid)
            if leader in {pid, status.session}:
                found.add(pid)
    rest = [*found]
    while rest:
        fresh = set(parents.get(rest.pop(), ())) - found
        found |= fresh
        rest += fresh
    return tuple(sorted(found))


def activity_of(pids: Iterable[int]) -> Activity:
    """Return what these processes do now, all threads of each."""
    ticks, states = 0, set()
    for pid in pids:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names are all that is needed
                state, used = _read(f"/proc/{pid}/task/{thread}/stat")
                states.add(state)
                ticks += used
    return Activity(ticks, bool(states & _BUSY), "t" in states)


def _read(path: str) -> tuple[str, int]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - one call, for many threads
            fields = file.read().rpartition(b")")[2].split()
    except OSError:  # it has ended
        return "", 0
    return fields[0].decode(), int(fields[11]) + int(fields[12])
