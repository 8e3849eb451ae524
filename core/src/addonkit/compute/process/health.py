"""Asks servers of pools often and cheaply, or one of them closely. Only `addonkit serve` needs this. Blocking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from addonkit.compute.process.answer import ExpectedAnswer
from addonkit.compute.process.examination import examine
from addonkit.compute.process.layout import program_of
from addonkit.compute.process.probe_connection import ProbeRequest
from addonkit.compute.process.quick_probe import ask_all
from addonkit.models.compute import Pool, PoolState
from addonkit.models.health import Asked, Health
from addonkit.models.secret import reveal

_QUICK: Final = 0.1
"""Seconds that servers have which are asked often. One that needs longer is looked at more closely."""


def ask_pools(watched: Sequence[tuple[Pool, PoolState]]) -> list[Asked]:
    """Ask each server once."""
    return ask_all([_request(pool, state.socket) for pool, state in watched], _QUICK)


def examine_pool(pool: Pool, path: str, leader: int | None, *, listens: bool) -> Health:
    """Tell whether a server hangs.

    Args:
        pool: of the server.
        path: of its Unix socket; empty without one.
        leader: pid of its first process.
        listens: whether the port is its own. Another one is not asked: the question may hold a password.
    """
    if leader is None or not (path or listens):
        return Health.REFUSES
    return examine(_request(pool, path), leader)


def _request(pool: Pool, path: str) -> ProbeRequest:
    probe = program_of(pool).probe
    expected = ExpectedAnswer(probe.expect, probe.pattern)
    return ProbeRequest(reveal(probe.send).encode("latin-1"), expected, pool.host, pool.ports.get(probe.port, 0), path)
