"""Ownership of work, with a deadline and a fencing number."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from addonkit.util.values import frozen


@frozen
class Lease:
    """The right of one process to work on something.

    Attributes:
        key: what is owned, as `instance/k3x9...` or `execution/provision/...`.
        owner: who owns it; empty when it was given back.
        fence: grows by one with each change of owner; a write with an old number is refused.
        expires: until when without renewal.
    """

    kind: ClassVar[str] = "lease"
    indexed: ClassVar[tuple[str, ...]] = ()
    plain: ClassVar[bool] = True

    key: str
    owner: str
    fence: int
    expires: datetime
