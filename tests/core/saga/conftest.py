"""A small world for sagas: a store, an engine, and time that never waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from addonkit.models.execution import Event
from addonkit.saga.engine import Engine
from addonkit.store.codec import Codec
from addonkit.store.interface import Store
from addonkit.store.leases import Leases
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.testing.clock import FakeClock


@attrs.define
class World:
    """What steps do to the outside, and an engine to run them."""

    store: Store
    clock: FakeClock
    events: list[Event] = attrs.field(factory=list)
    log: list[str] = attrs.field(factory=list)
    dead: set[str] = attrs.field(factory=set)

    def engine(self, owner: str = "one") -> Engine:
        async def resources(_subject: Mapping[str, str]) -> Mapping[str, Any]:
            return {"framework": self, "instance": None}

        leases = Leases(self.store, self.clock, owner, lambda who: who not in self.dead)
        return Engine(self.store, leases, self.clock, resources, self.events.append)

    def said(self, *kinds: str) -> list[str]:
        return [event.message for event in self.events if not kinds or event.kind in kinds]


@pytest.fixture
def world() -> World:
    clock = FakeClock()
    return World(MemoryStore(Codec(Sealer(bytes(32))), clock), clock)


@pytest.fixture
def make_world() -> Callable[[], World]:
    def make() -> World:
        clock = FakeClock()
        return World(MemoryStore(Codec(Sealer(bytes(32))), clock), clock)

    return make
