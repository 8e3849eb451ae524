"""Tells a server that hangs from one that is busy. Blocking.

A server that works uses a processor or a disk, or waits for one. A server that hangs does none of that: it sleeps,
although a question waits for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Final, NamedTuple

from addonkit.compute.process.probe_connection import ProbeConnection, ProbeRequest
from addonkit.compute.process.quick_probe import wait_for
from addonkit.models.health import Answer, Health
from addonkit.util.procfs import all_pids, read_status

_EACH: Final = 0.1
"""Seconds between two looks at what the processes do."""

_UNREAD: Final = 5
"""Looks after which a server hangs that has not even read the question."""

_UNANSWERED: Final = 10
"""Looks after which one hangs that has read it: a second, which every probe has."""

_LATE: Final = 3.0
"""How many times longer a look takes when this process is kept waiting itself; then it shows nothing."""

_WORKS: Final = 2
"""Ticks of a processor, looks at a busy thread, or looks that were late, from which it counts as working.

Clocks that wake up use less."""

_BUSY: Final = frozenset("RD")
"""States of a thread that has a processor, waits for one, or waits for a disk, see proc_pid_stat(5)."""

_OF_ANSWERS: Final = {Answer.READY: Health.READY, Answer.OTHER: Health.OTHER, Answer.REFUSED: Health.REFUSES}


class _Activity(NamedTuple):
    """The activity of processes at one moment.

    Attributes:
        ticks: of processors that were used since each process began, for comparisons.
        is_busy: whether a thread runs, wants to run, or waits for a disk.
        is_held: whether a debugger holds a thread.
    """

    ticks: int
    is_busy: bool
    is_held: bool


def examine(request: ProbeRequest, leader: int) -> Health:
    """Ask a server, and look at its processes until it answers or it is clear that it does nothing.

    Args:
        request: what it is asked.
        leader: pid of the server's first process.
    """
    with closing(ProbeConnection(request)) as asked:
        return _Examination(asked, leader).run()


class _Examination:
    def __init__(self, asked: ProbeConnection, leader: int) -> None:
        self._asked = asked
        self._pids = _family_of(leader)
        self._first = _activity_of(self._pids)
        self._busy = int(self._first.is_busy)
        self._looks = 0
        self._late = 0

    def run(self) -> Health:
        while True:
            answer = self._waited()
            if answer is not Answer.SILENT:
                return _OF_ANSWERS[answer]
            seen = _activity_of(self._pids)
            self._busy += seen.is_busy
            if self._works(seen):
                return Health.WORKS
            if self._looks >= (_UNANSWERED if self._asked.is_taken() else _UNREAD):
                return Health.WORKS if self._asked.received else Health.HANGS

    def _waited(self) -> Answer:
        """Wait for one look; one that took much longer does not count."""
        began = time.monotonic()
        if self._asked.answer is Answer.SILENT:
            time.sleep(_EACH)
        answer = wait_for([self._asked], _EACH)[0].answer
        if time.monotonic() - began < _EACH * _LATE:
            self._looks += 1
        else:
            self._late += 1
        return answer

    def _works(self, seen: _Activity) -> bool:
        used = seen.ticks - self._first.ticks
        return seen.is_held or max(used, self._busy, self._late) >= _WORKS


def _family_of(leader: int) -> tuple[int, ...]:
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


def _activity_of(pids: Iterable[int]) -> _Activity:
    """Return what these processes do now, all threads of each."""
    ticks, states = 0, set()
    for pid in pids:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names are all that is needed
                state, used = _read(f"/proc/{pid}/task/{thread}/stat")
                states.add(state)
                ticks += used
    return _Activity(ticks, bool(states & _BUSY), "t" in states)


def _read(path: str) -> tuple[str, int]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - one call, for many threads
            fields = file.read().rpartition(b")")[2].split()
    except OSError:  # it has ended
        return "", 0
    return fields[0].decode(), int(fields[11]) + int(fields[12])
