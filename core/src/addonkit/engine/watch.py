"""Follows an execution that another process runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from addonkit.models.execution import Execution

if TYPE_CHECKING:
    from addonkit.engine.events import EventPublisher
    from addonkit.store.interface import Store


@asynccontextmanager
async def following(store: Store, id: str, publisher: EventPublisher) -> AsyncIterator[None]:
    """Tell the events of an execution as they are journaled while the block lasts; the last ones at its end."""
    task = asyncio.create_task(_follow(store, id, publisher))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    entity = await store.get(Execution, id)
    if entity is not None:
        publisher.publish(entity.value)


async def _follow(store: Store, id: str, publisher: EventPublisher) -> None:
    async with aclosing(_states(store, id)) as states:
        async for execution in states:
            publisher.publish(execution)


async def _states(store: Store, id: str) -> AsyncGenerator[Execution, None]:
    """Yield the execution as it is now, and again whenever it may have changed."""
    async with aclosing(store.watch(Execution)) as changes:
        while True:
            entity = await store.get(Execution, id)
            if entity is not None:
                yield entity.value
            async for change in changes:
                if change.name in {id, ""}:  # a change without a name stands for any
                    break
