"""Finds the address of a service: that of a pool behind it. Reads the store only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.models.address import Address
from addonkit.models.compute import Pool, Service

if TYPE_CHECKING:
    from addonkit.store.interface import Reader


def find_address(tx: Reader, name: str) -> Address | None:
    """Return the address of a service: that of the pool of its own name, or of another one that has its labels.

    None when there is no such service, or no pool behind it has an address yet.
    """
    service = tx.get(Service, name)
    if service is None:
        return None
    wanted, port = service.value.match_labels.items(), service.value.port
    namesake = tx.get(Pool, name)
    if namesake is not None and wanted <= namesake.value.spec.labels.items():
        return _address(namesake.value, port)
    pools = (entity.value for entity in tx.list(Pool).items)
    return next((_address(pool, port) for pool in pools if wanted <= pool.spec.labels.items()), None)


def _address(pool: Pool, number: int) -> Address | None:
    for port in pool.spec.ports:
        if port.number == number and port.name in pool.ports:
            return Address(pool.host, pool.ports[port.name])
    return None
