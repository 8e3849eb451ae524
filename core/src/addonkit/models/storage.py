"""The use of a server's disk."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from addonkit.models.sizes import describe_size
from addonkit.util.values import frozen

WARN_AT: Final = 80
DENY_AT: Final = 95
ALLOW_BELOW: Final = 90
"""Percent of a disk: from the first on people are warned, from the second on apps cannot write, below the third they
can again."""


@frozen
class StorageUse:
    """The last measurement of a server's disk.

    Attributes:
        name: id of the server.
        used: bytes on the disk.
        limit: bytes that it may have.
        measured: when that was.
        denied: whether apps are kept from writing.
    """

    kind: ClassVar[str] = "storage"
    indexed: ClassVar[tuple[str, ...]] = ()

    name: str
    used: int
    limit: int
    measured: datetime | None = None
    denied: bool = False

    @property
    def percent(self) -> int:
        """Return how full the disk is."""
        return self.used * 100 // self.limit if self.limit else 0

    @property
    def is_low(self) -> bool:
        """Return whether people are to be warned."""
        return self.denied or self.percent >= WARN_AT

    @property
    def words(self) -> str:
        """`12.3 MiB of 1.0 GiB, 1 %`."""
        return f"{describe_size(self.used)} of {describe_size(self.limit)}, {self.percent} %"
