"""A store and the memory store do the same random things; they must never be told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack, aclosing
from typing import Any, ClassVar

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from addonkit.errors import Conflict
from addonkit.models.secret import Secret
from addonkit.store.codec import Codec
from addonkit.store.interface import Change, Entity, Store, Transaction
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.testing.clock import FakeClock
from addonkit.testing.store_values import Color, Note
from addonkit.util.clock import Clock

Open = Callable[[Codec, Clock], Awaitable[Store]]
Known = dict[str, list[Entity[Note]]]

_names = st.sampled_from(["a", "b", "B", "é/1"])
_text = st.text(max_size=5)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text
    | st.builds(Secret, _text),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text | st.just("$sealed"), inner, max_size=3),
    max_leaves=5,
)
_notes = st.builds(
    Note,
    text=_text,
    color=st.sampled_from(Color),
    shelf=st.integers(0, 2),
    author=st.none() | st.sampled_from(["", "null", "eve"]),
    password=_text | st.builds(Secret, _text),
    tags=st.lists(_text, max_size=2).map(tuple),
    extra=st.dictionaries(_text | st.just("$sealed"), _json, max_size=2),
)
_where = st.fixed_dictionaries(
    {}, optional={"color": st.sampled_from(Color), "shelf": st.integers(0, 2), "author": st.none()}
)


class Undone(Exception):
    """Raised by decisions that are to be rolled back."""


@attrs.frozen
class Create:
    """One deed of a decision."""

    name: str
    note: Note

    def do(self, tx: Transaction, known: Known) -> object:
        """Do it; what came of it."""
        made = tx.create(self.name, self.note)
        known.setdefault(self.name, []).append(made)
        return made


@attrs.frozen
class Put:
    """Replace a note as it was known `ago` writes ago."""

    name: str
    note: Note
    ago: int

    def do(self, tx: Transaction, known: Known) -> object:
        """Do it; what came of it."""
        former = known.get(self.name, [])
        if len(former) <= self.ago:
            return None
        written = tx.put(former[-1 - self.ago], self.note)
        former.append(written)
        return written


@attrs.frozen
class Delete:
    """Remove a note."""

    name: str

    def do(self, tx: Transaction, known: Known) -> object:  # noqa: ARG002 - the same for every deed
        """Do it; what came of it."""
        return tx.delete(Note, self.name)


@attrs.frozen
class Look:
    """Read a note and a page of notes."""

    name: str
    where: dict[str, Any]
    after: str
    limit: int

    def do(self, tx: Transaction, known: Known) -> object:  # noqa: ARG002 - the same for every deed
        """Do it; what was seen."""
        return tx.get(Note, self.name), tx.list(Note, self.where, after=self.after, limit=self.limit)


Deed = Create | Put | Delete | Look
_deeds = st.lists(
    st.builds(Create, _names, _notes)
    | st.builds(Put, _names, _notes, st.integers(0, 1))
    | st.builds(Delete, _names)
    | st.builds(Look, _names, _where, st.just("") | _names, st.integers(0, 3)),
    min_size=1,
    max_size=5,
)


class StoreMachine(RuleBasedStateMachine):
    """Subclass it with a `place` and run it with `hypothesis.stateful.run_state_machine_as_test`.

    Attributes:
        place: a context manager that gives a function which opens the store under test, empty at first.
        durable: whether what was stored is found when the store is opened again.
    """

    place: ClassVar[Callable[[], AbstractContextManager[Open]]]
    durable: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.clock = FakeClock(auto=False)
        self.codec = Codec(Sealer(b"k" * 32))
        self.model = MemoryStore(self.codec, self.clock)
        self.open = self.stack.enter_context(type(self).place())
        self.store = self.run(self.open(self.codec, self.clock))
        self.known: Known = {}

    def run(self, work: Awaitable[Any]) -> Any:
        """Await something on the machine's own event loop."""

        async def awaiting() -> Any:
            return await work

        return self.runner.run(awaiting())

    def teardown(self) -> None:
        """Close everything."""
        with self.stack:
            self.run(self.store.close())
            self.run(self.model.close())

    @rule(deeds=_deeds, undone=st.booleans())
    def decide(self, deeds: list[Deed], *, undone: bool) -> None:
        """Make one decision; it handles conflicts inside, and may be rolled back at its end."""
        outcomes, known = zip(
            *(self.run(self._decide(store, deeds, undone=undone)) for store in self._both), strict=True
        )
        assert outcomes[0] == outcomes[1]
        if not undone:
            self.known = known[0]

    @rule(seconds=st.sampled_from([0.000001, 1.0, 86_400.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.run(self.clock.advance(seconds))

    @rule(ago=st.integers(0, 5))
    def read_feed(self, ago: int) -> None:
        """Compare the newest changes, number by number."""
        since = max(0, len(self._told) - ago)
        for store in self._both:
            assert self.run(_take(store, since, len(self._told) - since)) == self._told[since:]

    @precondition(lambda self: self.durable)
    @rule()
    def reopen(self) -> None:
        """Nothing is lost."""
        self.run(self.store.close())
        self.store = self.run(self.open(self.codec, self.clock))

    @invariant()
    def both_hold_the_same(self) -> None:
        """Compare every entity, with its revision and times."""
        ours, theirs = (self.run(store.list(Note)) for store in self._both)
        assert ours == theirs

    @property
    def _both(self) -> tuple[Store, Store]:
        return self.store, self.model

    @property
    def _told(self) -> list[Change]:
        return list(self.model.changes)

    async def _decide(self, store: Store, deeds: list[Deed], *, undone: bool) -> tuple[list[object], Known]:
        known = {name: list(former) for name, former in self.known.items()}
        outcomes: list[object] = []

        def decide(tx: Transaction) -> None:
            for deed in deeds:
                try:
                    outcomes.append(deed.do(tx, known))
                except Conflict as error:
                    outcomes.append(str(error))
            if undone:
                raise Undone

        try:
            await store.transact(decide)
        except Undone:
            outcomes.append("undone")
        return outcomes, known


async def _take(store: Store, since: int, count: int) -> list[Change]:
    async with asyncio.timeout(30), aclosing(store.watch(since=since)) as changes:
        return [await anext(changes) for _ in range(count)]
