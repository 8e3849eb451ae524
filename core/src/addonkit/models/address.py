"""Where a service answers; by itself, since all that is shown of a server needs it and no more."""

from __future__ import annotations

import attrs


@attrs.frozen
class Address:
    """Where a service answers."""

    host: str
    port: int
