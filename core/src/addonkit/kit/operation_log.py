"""The record of long operations that were asked for through the API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.errors import NotFound
from addonkit.models.execution import Execution
from addonkit.models.instance import Instance
from addonkit.models.operation import Operation, OperationState

if TYPE_CHECKING:
    from addonkit.store.interface import Reader, Store, Transaction
    from addonkit.store.leases import Leases
    from addonkit.util.clock import Clock

KEPT: Final = timedelta(days=7)
"""How long operations are kept after their end."""

_PART: Final = 500
"""Operations that a sweep reads at once."""


class OperationLog:
    """Records what was asked for, before it begins, and what came of it."""

    def __init__(self, store: Store, leases: Leases, clock: Clock) -> None:
        self._store = store
        self._leases = leases
        self._clock = clock

    def now(self) -> datetime:
        """Return the time of day."""
        return self._clock.now()

    def owned(self, id: str) -> AbstractAsyncContextManager[object]:
        """Wait until no other process carries the operation out, and own it while the block lasts."""
        return self._leases.hold(f"operation/{id}")

    async def begin(self, operation: Operation) -> tuple[Operation, bool]:
        """Record an operation; return it, or the one that was recorded under this id before, and whether it is new."""
        stamped = attrs.evolve(operation, created=self._clock.now())

        def decide(tx: Transaction) -> tuple[Operation, bool]:
            found = tx.get(Operation, operation.id)
            if found is not None:
                return found.value, False
            return tx.create(operation.id, stamped).value, True

        return await self._store.transact(decide)

    async def concern(self, id: str, **fields: Any) -> Operation:
        """Record what an operation concerns."""
        return await self._change(id, lambda old: attrs.evolve(old, **fields))

    async def note_execution(self, id: str, execution: str) -> Operation:
        """Record that an execution carries the operation out."""

        def change(old: Operation) -> Operation:
            known = execution in old.executions
            return old if known else attrs.evolve(old, executions=(*old.executions, execution))

        return await self._change(id, change)

    async def succeed(self, id: str, result: Mapping[str, Any]) -> Operation:
        """Record the end of an operation."""
        now, state = self._clock.now(), OperationState.SUCCEEDED
        return await self._change(id, lambda old: attrs.evolve(old, state=state, finished=now, result=dict(result)))

    async def fail(self, id: str, problem: Mapping[str, Any]) -> Operation:
        """Record that an operation failed."""
        now, state = self._clock.now(), OperationState.FAILED
        return await self._change(id, lambda old: attrs.evolve(old, state=state, finished=now, problem=dict(problem)))

    async def withdraw(self, id: str) -> None:
        """Forget an operation that was refused before it began."""
        await self._store.transact(lambda tx: tx.delete(Operation, id))

    async def get(self, id: str) -> Operation:
        """Return an operation.

        Raises:
            NotFound: there is none of that id, or it ended long ago.
        """
        found = await self.find(id)
        if found is None:
            raise _unknown(id)
        return found

    async def find(self, id: str) -> Operation | None:
        """Return an operation; None when it never began, or ended long ago."""
        entity = await self._store.get(Operation, id)
        return entity.value if entity else None

    async def list(self, *, running: bool = False, instance: str = "") -> tuple[Operation, ...]:
        """Return all operations, those that run, or those of an instance by its name; oldest first."""
        where: dict[str, Any] = {"state": OperationState.RUNNING} if running else {}
        if instance:
            where["instance_name"] = instance
        found = [entity.value for entity in await self._store.list(Operation, where)]
        return tuple(sorted(found, key=place_of))

    async def concerning(self, instance: Instance) -> tuple[Operation, ...]:
        """Return operations of an instance, also those from before its data moved or its name changed; oldest first."""
        by_id = await self._store.list(Operation, {"instance": instance.id})
        by_name = await self._store.list(Operation, {"instance_name": instance.name})
        found = {entity.name: entity.value for entity in (*by_id, *by_name)}
        return tuple(sorted(found.values(), key=place_of))

    async def part(self, after: str, limit: int) -> tuple[Operation, ...]:
        """Return at most `limit` operations, oldest first, after the place of one; see `place_of`."""
        began, _, id = after.partition(" ")
        found = await self._store.read(lambda tx: tx.ordered(Operation, "began", after=(began, id), limit=limit))
        return tuple(entity.value for entity in found)

    async def newest(self, limit: int) -> tuple[Operation, ...]:
        """Return at most `limit` operations, those that were asked for last, newest first."""
        found = await self._store.read(lambda tx: tx.ordered(Operation, "began", limit=limit, reverse=True))
        return tuple(entity.value for entity in found)

    async def get_with_executions(self, id: str) -> tuple[Operation, tuple[Execution | None, ...]]:
        """Return an operation with its executions; one that was swept is None.

        Raises:
            NotFound: there is none of that id.
        """
        return await self._store.read(lambda tx: _look(tx, id))

    async def follow(self, id: str) -> AsyncGenerator[tuple[Operation, tuple[Execution | None, ...]], None]:
        """Yield an operation with its executions, now and whenever they may have changed, until it has ended.

        An execution that was swept is None.

        Raises:
            NotFound: there is none of that id.
        """
        async with aclosing(self._store.watch(Operation, Execution)) as changes:
            while True:
                operation, executions = await self.get_with_executions(id)
                yield operation, executions
                if operation.state is not OperationState.RUNNING:
                    return
                wanted = {id, "", *operation.executions}
                async for change in changes:
                    if change.name in wanted:
                        break

    async def sweep(self) -> None:
        """Forget operations that ended long ago."""
        limit = self._clock.now() - KEPT
        after: str | None = ""
        while after is not None:
            after = await self._sweep_part(after, limit)

    async def _sweep_part(self, after: str, limit: datetime) -> str | None:
        part = await self._store.read(lambda tx: tx.list(Operation, after=after, limit=_PART))
        old = [each.name for each in part.items if each.value.finished is not None and each.value.finished < limit]
        if old:
            await self._store.transact(lambda tx: [tx.delete(Operation, name) for name in old])
        return part.next

    async def _change(self, id: str, change: Callable[[Operation], Operation]) -> Operation:
        def decide(tx: Transaction) -> Operation:
            entity = tx.get(Operation, id)
            if entity is None:
                raise _unknown(id)
            after = change(entity.value)
            return entity.value if after == entity.value else tx.put(entity, after).value

        return await self._store.transact(decide)


def place_of(operation: Operation) -> str:
    """Return where an operation stands among all, oldest first; never empty."""
    return f"{operation.began} {operation.id}"


def _look(tx: Reader, id: str) -> tuple[Operation, tuple[Execution | None, ...]]:
    entity = tx.get(Operation, id)
    if entity is None:
        raise _unknown(id)
    found = (tx.get(Execution, each) for each in entity.value.executions)
    return entity.value, tuple(each.value if each else None for each in found)


def _unknown(id: str) -> NotFound:
    return NotFound(f"cannot find operation {id!r}", "there is none", "operations are kept for a week after their end")
