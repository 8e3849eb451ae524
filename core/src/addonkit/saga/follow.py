"""Shows the events of an execution that another process runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from addonkit.models.execution import Event, Execution

if TYPE_CHECKING:
    from addonkit.store.interface import Store


@asynccontextmanager
async def following(
    store: Store, id: str, sink: Callable[[Event], None]
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Tell the sink each new event of an execution once; gives the function that ends it, the last news told."""
    follower = _Follower(store, id, sink)
    await follower.look(tell=False)
    task = asyncio.create_task(follower.follow())

    async def stop() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await follower.look()

    try:
        yield stop
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Follower:
    def __init__(self, store: Store, id: str, sink: Callable[[Event], None]) -> None:
        self._store = store
        self._id = id
        self._sink = sink
        self._seen: set[tuple[str, ...]] = set()

    async def follow(self) -> None:
        async with aclosing(self._store.watch(Execution)) as changes:
            async for change in changes:
                if change.name == self._id:
                    await self.look()

    async def look(self, *, tell: bool = True) -> None:
        entity = await self._store.get(Execution, self._id)
        for event in entity.value.events if entity else ():
            key = (event.at.isoformat(), event.kind, event.step, event.message)
            if key not in self._seen:
                self._seen.add(key)
                if tell:
                    self._sink(event)
