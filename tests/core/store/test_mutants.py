"""The machine is worth what it catches: small broken stores, each must be told apart from the model."""

from __future__ import annotations

from contextlib import contextmanager

import attrs
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from addonkit.store.interface import ChangeKind
from addonkit.store.memory import MemoryStore
from addonkit.testing.store_machine import StoreMachine, Undone
from addonkit.testing.store_values import Note


class Broken:
    """A transaction that does one thing wrong; the rest is passed on."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)


class ForgetsRevisions(Broken):
    def put(self, entity, value):
        return self.inner.put(self.inner.get(Note, entity.name) or entity, value)


class ForgetsFormerLives(Broken):
    def put(self, entity, value):
        now = self.inner.get(Note, entity.name)
        return self.inner.put(attrs.evolve(entity, created=now.created) if now else entity, value)


class ListsByOneField(Broken):
    def list(self, kind, where=None, **page):
        return self.inner.list(kind, dict(list((where or {}).items())[:1]), **page)


class RepeatsTheLastOfAPage(Broken):
    def list(self, kind, where=None, *, after="", limit=0):
        page = self.inner.list(kind, where, after=after, limit=limit)
        last = self.inner.get(kind, after) if after else None
        return attrs.evolve(page, items=(last, *page.items)) if last else page


class HasNoLastPage(Broken):
    def list(self, kind, where=None, *, after="", limit=0):
        page = self.inner.list(kind, where, after=after, limit=limit)
        return attrs.evolve(page, next=page.items[-1].name) if limit and len(page.items) == limit else page


class DeletesTwice(Broken):
    def delete(self, kind, name):
        self.inner.delete(kind, name)
        return True


def broken_transactions(cls):
    class Store(MemoryStore):
        async def transact(self, decide):
            return await super().transact(lambda tx: decide(cls(tx)))

    return Store


class KeepsWhatWasUndone(MemoryStore):
    async def transact(self, decide):
        undone = []

        def lenient(tx):
            try:
                return decide(tx)
            except Undone as error:
                undone.append(error)

        result = await super().transact(lenient)
        if undone:
            raise undone[0]
        return result


class CallsDeletionsUpdates(MemoryStore):
    def _record(self, changes):
        super()._record([(kind, name, ChangeKind.UPDATED, revision) for kind, name, _, revision in changes])


class ForgetsTheLastWrite(MemoryStore):
    """After it was closed; opened again by the machine."""

    async def close(self):
        if self._rows:
            self._rows.popitem()


CATCHABLE = {
    **{cls.__name__: broken_transactions(cls) for cls in Broken.__subclasses__()},
    **{cls.__name__: cls for cls in (KeepsWhatWasUndone, CallsDeletionsUpdates, ForgetsTheLastWrite)},
}


@pytest.mark.parametrize("name", CATCHABLE)
def test_a_broken_store_is_caught(name):
    @contextmanager
    def place():
        kept = []

        async def opened(codec, clock):
            if not kept:
                kept.append(CATCHABLE[name](codec, clock))
            return kept[0]

        yield opened

    class Machine(StoreMachine):
        durable = name == "ForgetsTheLastWrite"

    Machine.place = staticmethod(place)
    # Seeds are fixed: whether a mutant is caught must not depend on the day.
    many = settings(max_examples=300, derandomize=True, database=None, phases=[Phase.generate], deadline=None)
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(Machine, settings=many)
