from __future__ import annotations

from contextlib import contextmanager

import pytest
from hypothesis.stateful import run_state_machine_as_test

from addonkit.store.memory import MemoryStore
from addonkit.testing.store import DecisionSuite, ListSuite, StoreSuite
from addonkit.testing.store_feed import FeedSuite
from addonkit.testing.store_machine import StoreMachine


class TestMemoryStore(StoreSuite, DecisionSuite, ListSuite, FeedSuite):
    @pytest.fixture
    async def store(self, codec, clock):
        store = MemoryStore(codec, clock)
        yield store
        await store.close()


@pytest.mark.slow
def test_two_memory_stores_agree():
    @contextmanager
    def place():
        async def opened(codec, clock):
            return MemoryStore(codec, clock)

        yield opened

    class Machine(StoreMachine):
        durable = False

    Machine.place = staticmethod(place)
    run_state_machine_as_test(Machine)
