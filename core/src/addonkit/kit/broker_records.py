"""The record of what platforms asked the broker for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from addonkit.errors import Busy
from addonkit.models.broker import ServiceBinding, ServiceInstance

if TYPE_CHECKING:
    from addonkit.store.interface import Store, Transaction

R = TypeVar("R", ServiceInstance, ServiceBinding)


class BrokerRecords:
    """Keeps service instances and bindings by the ids that platforms gave."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def instance(self, id: str) -> ServiceInstance | None:
        """Return a service instance; None when there is none of that id."""
        entity = await self._store.get(ServiceInstance, quote(id, safe=""))
        return entity.value if entity else None

    async def changed(self, id: str) -> datetime | None:
        """Return when the record of a service instance was written last; None when there is none of that id."""
        entity = await self._store.get(ServiceInstance, quote(id, safe=""))
        return entity.updated if entity else None

    async def binding(self, instance: str, id: str) -> ServiceBinding | None:
        """Return a binding of a service instance; None when there is none of that id."""
        entity = await self._store.get(ServiceBinding, f"{quote(instance, safe='')}/{quote(id, safe='')}")
        return entity.value if entity else None

    async def replace(self, former: R | None, new: R) -> R:
        """Record what is asked for now, unless another request was quicker.

        Raises:
            Busy: another request was quicker.
        """

        def decide(tx: Transaction) -> R:
            found = tx.get(type(new), _name(new))
            if (found.value if found else None) != former:
                raise Busy("cannot do that", "another request about it is under way", "try again")
            if found is None:
                return tx.create(_name(new), new).value
            return tx.put(found, new).value

        return await self._store.transact(decide)

    async def remove(self, record: ServiceInstance | ServiceBinding) -> None:
        """Forget a record."""
        await self._store.transact(lambda tx: tx.delete(type(record), _name(record)))


def _name(record: ServiceInstance | ServiceBinding) -> str:
    if isinstance(record, ServiceInstance):
        return quote(record.id, safe="")
    return f"{quote(record.instance, safe='')}/{quote(record.id, safe='')}"
