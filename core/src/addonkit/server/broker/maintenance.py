"""Maintenance of platforms: which version of a server a plan has, and which one a service instance has."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from addonkit.models.definition import CONFIG_VERSION
from addonkit.server.broker.wire import BrokerError, Request, bad

if TYPE_CHECKING:
    from addonkit.models.instance import Instance
    from addonkit.server.broker.catalog import Offered

_SINCE: Final = 15
"""Minor version from which on platforms know of maintenance."""


def semantic(version: str) -> str:
    """Return the version of a server in the shape of semver: `18` is `18.0.0`."""
    numbers = re.findall(r"\d{1,9}", version)[:3]
    return ".".join(str(int(each)) for each in (*numbers, "0", "0", "0")[:3])


def maintenance(version: str, minor: int) -> dict[str, Any]:
    """Return `maintenance_info` for platforms that know of it."""
    return {"maintenance_info": {"version": semantic(version)}} if minor >= _SINCE else {}


def is_behind(instance: Instance, plan: Offered) -> bool:
    """Return whether an instance has an older version than the catalog; an addon without programs here has none."""
    had = instance.config.get(CONFIG_VERSION, "")
    return bool(had) and _numbers(had) < _numbers(plan.version)


def maintenance_of(instance: Instance, plan: Offered, minor: int) -> dict[str, Any]:
    """Return `maintenance_info` of an instance: that of the catalog, unless the instance is behind."""
    return maintenance(instance.config[CONFIG_VERSION] if is_behind(instance, plan) else plan.version, minor)


def check_maintenance(plan: Offered, asked: Request) -> None:
    """Make sure that a platform means the version that the catalog has.

    Raises:
        BrokerError: it means another one, or none.
    """
    info = asked.tree("maintenance_info")
    if not info:
        return
    version, offered = info.get("version"), semantic(plan.version)
    if not isinstance(version, str) or not version:
        raise bad("maintenance_info has no version")
    if version != offered:
        found = f"the catalog has maintenance_info {offered} for this plan"
        raise BrokerError(HTTPStatus.UNPROCESSABLE_ENTITY, found, "MaintenanceInfoConflict")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, semantic(version).split(".")))
