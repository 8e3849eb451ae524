"""Vitals that a running server tells of an instance."""

from __future__ import annotations

from datetime import datetime

from addonkit.models.result import Usage
from addonkit.util.values import frozen


@frozen
class Vitals:
    """Vitals of an instance, as its running server tells them. None stands for what it does not tell, or not in time.

    Attributes:
        usage: how much it holds.
        sessions: of all apps that are attached to it.
        uptime: seconds since its server started.
        last_backup: when the newest verified backup was begun.
    """

    usage: Usage | None = None
    sessions: int | None = None
    uptime: float | None = None
    last_backup: datetime | None = None
