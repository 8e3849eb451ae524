"""Where a service answers; by itself, since all that is shown of a server needs it and no more."""

from __future__ import annotations

from addonkit.util.values import frozen


@frozen
class Address:
    """Where a service answers."""

    host: str
    port: int
