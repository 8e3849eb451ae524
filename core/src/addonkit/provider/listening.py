"""Tells whether servers are where other machines are to reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.errors import ComputeError
from addonkit.util.addresses import addresses_of

if TYPE_CHECKING:
    from addonkit.models.compute import PoolState
    from addonkit.models.instance import Server


def check_listens(server: Server, state: PoolState) -> None:
    """Make sure that a server that is ready listens at its address. Blocking: may look a host name up.

    Raises:
        ComputeError: it does not.
    """
    if not listens(server, state):
        found = f"the server runs, and does not listen at {server.listen}"
        advice = "another process may have its port there, or the machine has that address no longer"
        raise ComputeError(f"cannot listen at {server.listen}", found, advice)


def listens(server: Server, state: PoolState) -> bool:
    """Return whether a server that is ready listens at its address; also where a backend cannot tell. Blocking."""
    return not state.addresses or not addresses_of(server.listen).isdisjoint(state.addresses)
