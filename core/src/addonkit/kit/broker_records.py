"""The record of what platforms asked the broker for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from addonkit.errors import Busy
from addonkit.models.broker import BrokerVerb, ServiceBinding, ServiceInstance
from addonkit.models.instance import Association, Instance, Purpose

if TYPE_CHECKING:
    from addonkit.store.interface import Entity, Store, Transaction

R = TypeVar("R", ServiceInstance, ServiceBinding)


class Overtaken(Busy):
    """Another request about the same thing was recorded first."""


class BrokerRecords:
    """Keeps service instances and bindings by the ids that platforms gave."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def instance(self, id: str) -> ServiceInstance | None:
        """Return a service instance; None when there is none of that id."""
        entity = await self._store.get(ServiceInstance, quote(id, safe=""))
        return entity.value if entity else None

    async def binding(self, instance: str, id: str) -> ServiceBinding | None:
        """Return a binding of a service instance; None when there is none of that id."""
        entity = await self._store.get(ServiceBinding, f"{quote(instance, safe='')}/{quote(id, safe='')}")
        return entity.value if entity else None

    async def changed(self, record: ServiceInstance | ServiceBinding) -> datetime | None:
        """Return when a record was written last; None when there is none."""
        entity = await self._store.get(type(record), _name(record))
        return entity.updated if entity else None

    async def made_for(self, record: ServiceInstance) -> Instance | None:
        """Return the instance that stands for a service instance; None when there is none."""
        found = [entity.value for entity in await self._store.list(Instance, {"app": record.app})]
        return next((each for each in found if each.purpose is Purpose.SERVE), None)

    async def is_attached(self, record: ServiceBinding) -> bool:
        """Return whether the app that stands for a binding receives variables, or will."""
        return bool(await self._store.list(Association, {"app": record.app}))

    async def replace(self, former: R | None, new: R) -> R:
        """Record what is asked for now, unless another request was quicker.

        Raises:
            Overtaken: another request was quicker.
        """

        def decide(tx: Transaction) -> R:
            found = tx.get(type(new), _name(new))
            if (found.value if found else None) != former:
                raise Overtaken("cannot do that", "another request about it is under way", "try again")
            if found is None:
                return tx.create(_name(new), new).value
            return tx.put(found, new).value

        return await self._store.transact(decide)

    async def restore(self, record: R, former: R | None) -> None:
        """Record what was before a request that was refused."""
        if former is None:
            await self._store.transact(lambda tx: tx.delete(type(record), _name(record)))
        else:
            await self.replace(record, former)

    async def sweep(self, limit: datetime) -> None:
        """Forget what was removed before a time."""

        def decide(tx: Transaction) -> None:
            for instance in tx.list(ServiceInstance).items:
                if _is_old(instance, limit) and not tx.list(Instance, {"app": instance.value.app}).items:
                    tx.delete(ServiceInstance, instance.name)
            for binding in tx.list(ServiceBinding).items:
                if _is_old(binding, limit) and not tx.list(Association, {"app": binding.value.app}).items:
                    tx.delete(ServiceBinding, binding.name)

        await self._store.transact(decide)


def _is_old(entity: Entity[R], limit: datetime) -> bool:
    return entity.value.verb is BrokerVerb.REMOVE and entity.updated < limit


def _name(record: ServiceInstance | ServiceBinding) -> str:
    if isinstance(record, ServiceInstance):
        return quote(record.id, safe="")
    return f"{quote(record.instance, safe='')}/{quote(record.id, safe='')}"
