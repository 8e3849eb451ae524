"""Places of instances on servers.

A shared server is found by its key. Its tenants are the instances that refer to it: they are counted,
never stored. Joining and leaving are one transaction each. No instance can join a server
between the departure of its last tenant and its removal.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.errors import UnknownInstance
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Association, Instance, Server, ServerPhase
from addonkit.models.storage import StorageUse
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.models.certificate import Certificate
    from addonkit.store.interface import Reader, Store, Transaction


@frozen
class Tenancy:
    """An instance's place on a server.

    Attributes:
        server_id: of the server.
        claim: the instance's name on it, unique among its tenants.
    """

    server_id: str
    claim: str


@frozen
class LeaveResult:
    """The state of a server after an instance has left it.

    Attributes:
        last: the server is to be removed, or its removal has begun and may not be complete.
    """

    last: bool


class Servers:
    """Server entities and their tenants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def join(
        self,
        instance: Instance,
        *,
        key: str,
        claim: str = "",
        reserved: Container[str] = (),
        longest_claim: int = 63,
        attributes: Mapping[str, Any] | None = None,
    ) -> Tenancy:
        """Give the instance a place on the server with that key, which is recorded if it is not there.

        A second call of the same instance returns the first one's place. A server that is being removed
        is not joined: another one is recorded beside it.

        Args:
            instance: the one that moves in.
            key: `shared:<what must be equal>`, or the instance's id for a server of its own.
            claim: the name the instance wants on the server; it gets a suffix derived from the
                instance's id when a tenant has the name already, or it is reserved.
            reserved: names that no tenant may have.
            longest_claim: in characters.
            attributes: the addon's own data for a new server, as an administrator's password.

        Raises:
            UnknownInstance: when the instance does not exist.
        """

        def decide(tx: Transaction) -> Tenancy:
            entity = tx.get(Instance, instance.id)
            if entity is None:
                raise UnknownInstance(f"cannot give instance {instance.id} a server", "the instance is gone")
            here = entity.value
            if here.server:
                return Tenancy(here.server, here.claim)
            server = _find(tx, here.addon, key) or _record(tx, here, key, attributes or {})
            taken = {tenant.claim for tenant in _tenants(tx, server.id)}
            name = _free_claim(claim, here.id, taken, reserved, longest_claim)
            tx.put(entity, attrs.evolve(here, server=server.id, claim=name))
            return Tenancy(server.id, name)

        return await self._store.transact(decide)

    async def leave(self, instance: Instance, server_id: str) -> LeaveResult:
        """End the instance's tenancy; when none is left, mark the server for removal.

        Idempotent: repeated calls return the same result.
        """

        def decide(tx: Transaction) -> LeaveResult:
            entity = tx.get(Instance, instance.id)
            if entity is not None and entity.value.server == server_id:
                tx.put(entity, attrs.evolve(entity.value, server="", claim=""))
            server = tx.get(Server, server_id)
            if server is None:
                return LeaveResult(last=True)
            if _tenants(tx, server_id):
                return LeaveResult(last=False)
            if server.value.phase is not ServerPhase.REMOVING:
                tx.put(server, attrs.evolve(server.value, phase=ServerPhase.REMOVING))
            return LeaveResult(last=True)

        return await self._store.transact(decide)

    async def get(self, server_id: str) -> Server | None:
        """Return the server, or None if it does not exist."""
        entity = await self._store.get(Server, server_id)
        return entity.value if entity else None

    async def tenants(self, server_id: str) -> tuple[Instance, ...]:
        """Return the instances that live on the server, by id."""
        return await self._store.read(lambda tx: _tenants(tx, server_id))

    async def associations(self, instance_id: str) -> tuple[Association, ...]:
        """Return the ties of apps to an instance."""
        found = await self._store.list(Association, {"instance": instance_id})
        return tuple(entity.value for entity in found)

    async def activate(self, server_id: str) -> Server | None:
        """Record that the server serves; return its record. A server marked for removal stays so."""

        def decide(tx: Transaction) -> Server | None:
            entity = tx.get(Server, server_id)
            if entity is not None and entity.value.phase is ServerPhase.PENDING:
                return tx.put(entity, attrs.evolve(entity.value, phase=ServerPhase.ACTIVE)).value
            return entity.value if entity else None

        return await self._store.transact(decide)

    async def change_attributes(self, server_id: str, **values: Any) -> Server:
        """Write attributes of a server, and delete those whose value is None; return its record.

        Raises:
            UnknownInstance: the server does not exist.
        """
        return await self._change(server_id, lambda server: with_attributes(server, **values))

    async def set_certificate(self, server_id: str, certificate: Certificate) -> Server:
        """Record the certificate of a server; return its record.

        Raises:
            UnknownInstance: the server does not exist.
        """
        return await self._change(server_id, lambda server: attrs.evolve(server, certificate=certificate))

    async def _change(self, server_id: str, change: Callable[[Server], Server]) -> Server:
        def decide(tx: Transaction) -> Server:
            entity = tx.get(Server, server_id)
            if entity is None:
                raise UnknownInstance(f"cannot change server {server_id}", "its record is gone")
            return tx.put(entity, change(entity.value)).value

        return await self._store.transact(decide)

    async def forget(self, server_id: str) -> None:
        """Delete the record of a removed server. Does nothing if it does not exist."""

        def decide(tx: Transaction) -> None:
            tx.delete(StorageUse, server_id)
            tx.delete(Server, server_id)

        await self._store.transact(decide)


def with_attributes(server: Server, **values: Any) -> Server:
    """Return a server with other attributes; those whose value is None are left out."""
    merged = {**server.attributes, **values}
    return attrs.evolve(server, attributes={name: value for name, value in merged.items() if value is not None})


def _find(tx: Reader, addon: str, key: str) -> Server | None:
    for found in tx.list(Server, {"addon": addon, "key": key}).items:
        if found.value.phase is not ServerPhase.REMOVING:
            return found.value
    return None


def _record(tx: Transaction, instance: Instance, key: str, attributes: Mapping[str, Any]) -> Server:
    server_id = f"{instance.addon}-{new_id()}"
    server = Server(server_id, instance.addon, key, config=instance.config, attributes=attributes)
    return tx.create(server_id, server).value


def _tenants(tx: Reader, server_id: str) -> tuple[Instance, ...]:
    return tuple(entity.value for entity in tx.list(Instance, {"server": server_id}).items)


def _free_claim(wanted: str, instance_id: str, taken: Container[str], reserved: Container[str], longest: int) -> str:
    """Return the wanted name, or with a suffix of the instance's id: first short, then whole."""
    if not wanted:
        return ""
    for suffix in ("", f"_{instance_id[:6]}", f"_{instance_id}"):
        name = wanted[: longest - len(suffix)] + suffix
        if name not in taken and name not in reserved:
            return name
    raise AssertionError(f"the id {instance_id} is unique, so the name with it is free")
