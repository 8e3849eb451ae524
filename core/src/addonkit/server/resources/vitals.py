"""Vitals of instances, as running servers tell them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from addonkit.models.result import Usage
from addonkit.server.endpoints import Call, Endpoints
from addonkit.server.resources.instances import find

endpoint: Final = Endpoints()


@attrs.frozen
class UsageResource:
    """The content of an instance.

    Attributes:
        objects: how many; old versions count.
        bytes: their sizes together.
        complete: whether all of it was counted.
    """

    objects: int
    bytes: int
    complete: bool


@attrs.frozen
class VitalsResource:
    """Vitals of an instance, as its running server tells them. Null stands for what it does not tell, or not in time.

    Attributes:
        usage: how much it holds.
        sessions: of all apps that are attached to it.
        uptime: seconds since its server started.
        last_backup: when the newest verified backup was begun.
    """

    usage: UsageResource | None
    sessions: int | None
    uptime: float | None
    last_backup: datetime | None


@endpoint("GET", "/v1/instances/{instance}/vitals")
async def get_vitals(call: Call, instance: str) -> VitalsResource:
    """Show the size, sessions and uptime of an instance, within a few seconds. Starts no server."""
    found = await call.kit.vitals(await find(call, instance))
    return VitalsResource(_usage(found.usage), found.sessions, found.uptime, found.last_backup)


def _usage(usage: Usage | None) -> UsageResource | None:
    return None if usage is None else UsageResource(usage.objects, usage.bytes, usage.complete)
