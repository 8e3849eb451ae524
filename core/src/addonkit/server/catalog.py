"""All endpoints of the API."""

from __future__ import annotations

from typing import Final

from addonkit.server.endpoints import Endpoint
from addonkit.server.resources import (
    addons,
    apps,
    associations,
    backups,
    environments,
    instances,
    logs,
    metrics,
    operations,
    options,
    rotations,
    servers,
    service,
    tokens,
    trash,
    vitals,
)

_MODULES: Final = (
    service,
    apps,
    environments,
    instances,
    vitals,
    options,
    rotations,
    logs,
    servers,
    associations,
    backups,
    operations,
    trash,
    addons,
    tokens,
    metrics,
)

ENDPOINTS: Final[tuple[Endpoint, ...]] = tuple(each for module in _MODULES for each in module.endpoint.found)
"""In the order of the description."""
