"""Work on the state itself that comes again and again."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from addonkit.util.values import frozen


@frozen
class MaintenanceTask:
    """A periodic task. The next command after `due` runs it.

    Attributes:
        name: of the chore.
        due: when it is to be done next.
        position: where it was left the last time; empty at the beginning.
    """

    kind: ClassVar[str] = "chore"
    indexed: ClassVar[tuple[str, ...]] = ()

    name: str
    due: datetime
    position: str = ""
