"""Keeps a client from trying tokens again and again."""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import Final

from addonkit.server.problems import Refused

MOST: Final = 10
"""Wrong tokens of one client in WITHIN seconds; then none of its tokens is looked at."""

WITHIN: Final = 60.0
"""Seconds in which wrong tokens count."""

_CLIENTS: Final = 10_000
"""Clients that are remembered."""

_NETWORK: Final = 64
"""Bits of an IPv6 address that one client has."""


class Throttle:
    """Counts wrong tokens by client.

    Args:
        clock: gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}

    def check(self, client: str) -> None:
        """Make sure that a client may try a token.

        Raises:
            Refused: it has sent too many wrong ones.
        """
        times = self._times(client)
        if times is not None and len(times) >= MOST:
            wait = max(1, round(times[0] + WITHIN - self._clock()))
            advice = f"wait {wait} seconds and try again"
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS, "cannot log in", "too many wrong tokens", advice, Retry_After=str(wait)
            )

    def note(self, client: str) -> None:
        """Count a wrong token."""
        key = _client(client)
        times = self._wrong.pop(key, None) or deque(maxlen=MOST)
        times.append(self._clock())
        while len(self._wrong) >= _CLIENTS:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[key] = times

    def _times(self, client: str) -> deque[float] | None:
        times = self._wrong.get(_client(client))
        while times and times[0] <= self._clock() - WITHIN:
            times.popleft()
        return times


def _client(address: str) -> str:
    """Return the client behind an address: of IPv6 the network, as one client has a whole one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _NETWORK), strict=False))
    return str(found)
