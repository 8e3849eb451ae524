"""Asks servers in their own protocol whether they are ready, without an event loop. Blocking."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Final

from addonkit.compute.process.probe_connection import ProbeConnection, ProbeRequest
from addonkit.models.health import Answer, Asked
from addonkit.util.listeners import listeners

_LIMIT: Final = 1.0
"""Seconds that a server has for its answer."""

_AT_ONCE: Final = 0.005
"""Seconds in which a server mostly answers. Those that do are asked one after another: it costs least."""


def answers(request: ProbeRequest) -> bool:
    """Return whether the server's answer is as expected, within a second."""
    with closing(ProbeConnection(request)) as asked:
        return wait_for([asked], _LIMIT)[0].answer is Answer.READY


def ask_all(requests: Sequence[ProbeRequest], limit: float) -> list[Asked]:
    """Ask many servers; all that do not answer at once have `limit` seconds together."""
    asked: list[Asked] = []
    late: dict[int, ProbeConnection] = {}
    for place, request in enumerate(requests):
        connection = ProbeConnection(request)
        asked += wait_for([connection], _AT_ONCE)
        if connection.answer is None:
            late[place] = connection
        else:
            connection.close()
    for place, answer in zip(late, wait_for([*late.values()], limit), strict=True):
        asked[place] = answer
        late[place].close()
    return asked


def wait_for(asked: Sequence[ProbeConnection], limit: float) -> list[Asked]:
    """Wait until all have an answer, for so many seconds at most. Those without one are silent."""
    ending = time.monotonic() + limit
    seconds = dict.fromkeys(asked, 0.0)
    poll = select.poll()
    waiting = {each.fileno(): each for each in asked if each.answer is None}
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    while waiting and (left := ending - time.monotonic()) > 0:
        for descriptor, _event in poll.poll(left * 1000):
            each = waiting[descriptor]
            if each.read() is not None:
                seconds[each] = time.monotonic() - each.began
                del waiting[descriptor]
                poll.unregister(descriptor)
    return [Asked(each.answer or Answer.SILENT, seconds[each]) for each in asked]


def listens(pid: int, port: int) -> bool:
    """Return whether exactly this process, and no other one, is seen to listen on a port.

    Raises:
        OSError: the process has ended, or does not show what it has open.
    """
    missing = {each.link for each in listeners(port)}
    if not missing:
        return False
    folder = f"/proc/{pid}/fd"
    for number in os.listdir(folder):  # noqa: PTH208 - names are all that is needed
        with suppress(FileNotFoundError):
            missing.discard(os.readlink(f"{folder}/{number}"))  # noqa: PTH115 - the target is no path
            if not missing:
                return True
    return False
