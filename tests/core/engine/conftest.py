"""A small world for sagas: a store, an engine, and time that never waits."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from addonkit.engine import failpoints
from addonkit.engine.engine import Engine
from addonkit.models.execution import Event, Execution, ExecutionStatus
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, step
from addonkit.store.codec import Codec
from addonkit.store.interface import Store
from addonkit.store.leases import Leases
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.clock import FakeClock
from addonkit.util.clock import Clock, SystemClock


class Crash(BaseException):
    """The process dies here."""


@attrs.define
class World:
    """What steps do to the outside, and engines to run them."""

    store: Store
    clock: Clock
    events: list[Event] = attrs.field(factory=list)
    log: list[str] = attrs.field(factory=list)
    dead: set[str] = attrs.field(factory=set)
    resources: dict[str, Any] = attrs.field(factory=dict)

    def leases(self, owner: str) -> Leases:
        return Leases(self.store, self.clock, owner, lambda who: who not in self.dead)

    def engine(self, owner: str = "one", sink: Callable[[Event], None] | None = None) -> Engine:
        async def resources(_subject: Mapping[str, str], _names: Collection[str]) -> Mapping[str, Any]:
            return {"framework": self, **self.resources}

        return Engine(self.store, self.leases(owner), self.clock, resources, sink or self.events.append)

    def step(self, name: str, act: Any = None, undo: Any = tuple, **options: Any) -> Step:
        """A step that logs its name, then acts; its undo logs `undo <name>`, then acts. `undo=None`: it has none."""

        async def run() -> None:
            self.log.append(name)
            await _done(act)

        async def back() -> None:
            self.log.append(f"undo {name}")
            await _done(undo)

        run.__name__ = name
        return step(undo=back if undo is not None else None, **options)(run)

    def saga(self, *steps: Step, **options: Any) -> Saga[Any]:
        return Saga("test.saga", steps=steps, **options)

    async def crash(self, point: str, saga: Saga[Any], id: str = "x", owner: str = "crashed") -> None:
        """Ensure an execution and die at a point."""

        def die() -> None:
            raise Crash

        with failpoints.at(point, die), pytest.raises(Crash):
            await self.engine(owner).ensure(id, saga)

    async def execution(self, id: str = "x") -> Execution:
        found = await self.engine().execution(id)
        assert found is not None
        return found

    async def status(self, id: str = "x") -> ExecutionStatus:
        return (await self.execution(id)).status

    def said(self, *kinds: str) -> list[str]:
        return [event.message for event in self.events if not kinds or event.kind in kinds]


async def _done(act: Any) -> None:
    if isinstance(act, BaseException):
        raise act
    if act is not None:
        result = act()
        if inspect.isawaitable(result):
            await result


@pytest.fixture
def world() -> World:
    clock = FakeClock()
    return World(MemoryStore(Codec(Sealer(bytes(32))), clock), clock)


@pytest.fixture
async def world_on_disk(home: Path) -> AsyncIterator[World]:
    clock = SystemClock()  # virtual time would run while the disk is at work, and leases would expire
    store = await SqliteStore.open(home / "state.db", Codec(Sealer(bytes(32))), clock)
    yield World(store, clock)
    await store.close()
