"""Tests of every store. Subclass the suites and give them the fixtures they name.

class TestMyStore(StoreSuite, FeedSuite):
    @pytest.fixture
    async def store(self, clock): ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
import pytest

from addonkit.errors import AlreadyExists, RevisionConflict, StoreUnavailable
from addonkit.models.secret import Secret
from addonkit.store.interface import Entity, Store, Transaction
from addonkit.testing.clock import FakeClock
from addonkit.testing.store_values import Color, Counter, Note, Vault

AWKWARD_NAMES = ("a/b/c", "it's", 'say "x"', "näme", "%_", "Z", "\U0001f600", "x" * 1_000)


async def create(store: Store, name: str, note: Note) -> Entity[Note]:
    """Store a note."""
    return await store.transact(lambda tx: tx.create(name, note))


async def increment(store: Store, name: str) -> None:
    """Add one to a counter the optimistic way: read, write at that revision, begin again on conflict."""
    while True:
        found = await store.get(Counter, name)
        assert found is not None
        try:
            await store.transact(lambda tx, e=found: tx.put(e, Counter(e.value.count + 1)))  # type: ignore[misc]  # mypy does not infer a lambda with a default
        except RevisionConflict:
            continue
        return


class StoreSuite:
    """Entities and transactions. Fixtures: `store`, empty; `clock`, the FakeClock the store was given."""

    async def test_what_was_created_can_be_read(self, store: Store, clock: FakeClock) -> None:
        """A created entity is at revision 1 and was created now."""
        made = await create(store, "a", Note("hello"))

        assert made == Entity("a", Note("hello"), 1, clock.now(), clock.now())
        assert await store.get(Note, "a") == made

    async def test_what_is_not_there_is_none(self, store: Store) -> None:
        """Reading does not raise."""
        assert await store.get(Note, "a") is None
        assert await store.list(Note) == ()

    async def test_nothing_is_created_twice(self, store: Store) -> None:
        """The first one stays as it was."""
        made = await create(store, "a", Note("first"))

        with pytest.raises(AlreadyExists, match="note/a"):
            await create(store, "a", Note("second"))
        assert await store.get(Note, "a") == made

    async def test_put_replaces_the_value(self, store: Store, clock: FakeClock) -> None:
        """The revision grows by one, `updated` moves, `created` does not."""
        made = await create(store, "a", Note("old"))
        await clock.advance(5)

        written = await store.transact(lambda tx: tx.put(made, Note("new")))

        assert written == Entity("a", Note("new"), 2, made.created, clock.now())
        assert await store.get(Note, "a") == written

    async def test_what_is_listed_by_follows_what_is_written(self, store: Store) -> None:
        """Not what the entity held that was handed in: it may be another one's of that revision."""
        made = await create(store, "a", Note(shelf=0))
        other = attrs.evolve(made, value=Note(shelf=2))

        await store.transact(lambda tx: tx.put(other, Note(shelf=2)))

        assert await store.list(Note, {"shelf": 0}) == ()
        assert [each.name for each in await store.list(Note, {"shelf": 2})] == ["a"]

    async def test_put_at_an_old_revision_conflicts(self, store: Store) -> None:
        """The newest value stays."""
        made = await create(store, "a", Note("1"))
        newest = await store.transact(lambda tx: tx.put(made, Note("2")))

        with pytest.raises(RevisionConflict, match="revision 2, read at 1"):
            await store.transact(lambda tx: tx.put(made, Note("3")))
        assert await store.get(Note, "a") == newest

    async def test_put_of_what_is_gone_conflicts(self, store: Store) -> None:
        """A deleted entity does not come back."""
        made = await create(store, "a", Note())
        await store.transact(lambda tx: tx.delete(Note, "a"))

        with pytest.raises(RevisionConflict, match="gone"):
            await store.transact(lambda tx: tx.put(made, Note()))
        assert await store.get(Note, "a") is None

    async def test_put_of_what_was_made_anew_conflicts(self, store: Store, clock: FakeClock) -> None:
        """The same revision of another life is not the one that was read."""
        former = await create(store, "a", Note("former"))
        await store.transact(lambda tx: tx.delete(Note, "a"))
        await clock.advance(1)
        latter = await create(store, "a", Note("latter"))

        with pytest.raises(RevisionConflict):
            await store.transact(lambda tx: tx.put(former, Note("stale")))
        assert await store.get(Note, "a") == latter

    async def test_put_of_another_kind_is_refused(self, store: Store) -> None:
        """A note is not replaced by a counter."""
        made = await create(store, "a", Note())

        with pytest.raises(TypeError, match="Counter"):
            await store.transact(lambda tx: tx.put(made, Counter()))

    async def test_delete_says_whether_there_was_one(self, store: Store) -> None:
        """And the entity is gone from listings too."""
        await create(store, "a", Note())

        assert await store.transact(lambda tx: tx.delete(Note, "a"))
        assert not await store.transact(lambda tx: tx.delete(Note, "a"))
        assert await store.list(Note, {"color": Color.RED}) == ()

    async def test_kinds_do_not_meet(self, store: Store) -> None:
        """One name in two kinds is two entities."""
        await create(store, "a", Note("n"))
        await store.transact(lambda tx: tx.create("a", Counter(7)))
        await store.transact(lambda tx: tx.delete(Note, "a"))

        found = await store.get(Counter, "a")
        assert found is not None
        assert found.value == Counter(7)
        assert await store.list(Note) == ()

    async def test_names_may_be_awkward(self, store: Store) -> None:
        """Any text of 1 to 1,000 characters is a name; listings are sorted by code point."""
        for name in AWKWARD_NAMES:
            await create(store, name, Note(name))

        listed = await store.list(Note)
        assert [entity.name for entity in listed] == sorted(AWKWARD_NAMES)
        assert all(entity.value.text == entity.name for entity in listed)

    @pytest.mark.parametrize("name", ["", "x" * 1_001, "nul\0", "lone \ud800"])
    async def test_names_that_cannot_be_kept_are_refused(self, store: Store, name: str) -> None:
        """No store cuts or changes a name."""
        with pytest.raises(ValueError, match=r"the (name|text)"):
            await create(store, name, Note())

    async def test_everything_in_a_value_comes_back(self, store: Store) -> None:
        """Secrets, enum members, tuples, nested attributes, and a dict with the key of sealed values."""
        extra = {"deep": [{"token": Secret("t0k")}, 1.5, None, True], "$sealed": "mine", "$$sealed": {"$sealed": 1}}
        note = Note("ü\0\ud800", Color.GREEN, 3, "me", Secret("s3cret"), ("a", "b"), extra)
        await create(store, "a", note)

        found = await store.get(Note, "a")
        assert found is not None
        assert found.value == note

    async def test_what_cannot_be_kept_is_refused(self, store: Store) -> None:
        """And leaves nothing behind."""
        with pytest.raises(TypeError, match="type object"):
            await create(store, "a", Note(extra={"x": object()}))
        with pytest.raises(TypeError, match="cannot be indexed"):
            await store.transact(lambda tx: tx.create("a", Vault(Secret("x"))))
        assert await store.list(Note) == ()
        assert await store.list(Vault) == ()


class DecisionSuite:
    """Decisions: whole or not at all. Fixtures as StoreSuite."""

    async def test_a_decision_sees_its_own_writes(self, store: Store) -> None:
        """And returns what it likes."""

        def decide(tx: Transaction) -> list[str]:
            made = tx.create("a", Note(color=Color.RED))
            tx.put(made, Note(color=Color.GREEN))
            tx.create("b", Note())
            tx.delete(Note, "b")
            assert tx.get(Note, "b") is None
            return [entity.name for entity in tx.list(Note, {"color": Color.GREEN}).items]

        assert await store.transact(decide) == ["a"]

    async def test_a_decision_that_raises_changes_nothing(self, store: Store) -> None:
        """Not the entities, not the listings."""
        kept = await create(store, "kept", Note(color=Color.RED))

        def decide(tx: Transaction) -> None:
            tx.create("new", Note())
            tx.put(kept, Note(color=Color.GREEN))
            tx.delete(Note, "kept")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.transact(decide)
        assert await store.list(Note) == (kept,)
        assert await store.list(Note, {"color": Color.RED}) == (kept,)
        assert await store.list(Note, {"color": Color.GREEN}) == ()

    async def test_a_decision_may_handle_a_conflict(self, store: Store) -> None:
        """What it did before and does after counts."""
        made = await create(store, "a", Note())

        def decide(tx: Transaction) -> None:
            tx.create("before", Note())
            with pytest.raises(AlreadyExists):
                tx.create("a", Note())
            with pytest.raises(RevisionConflict):
                tx.put(attrs.evolve(made, revision=9), Note())
            tx.create("later", Note())

        await store.transact(decide)
        assert [entity.name for entity in await store.list(Note)] == ["a", "before", "later"]

    async def test_an_async_decision_is_refused(self, store: Store) -> None:
        """It would run when its transaction is over."""

        async def decide(tx: Transaction) -> None:
            tx.create("a", Note())

        with pytest.raises(TypeError, match="plain function"):
            await store.transact(decide)  # type: ignore[unused-coroutine]  # the mistake under test
        assert await store.list(Note) == ()

    @pytest.mark.parametrize(
        "use", [lambda tx: tx.get(Note, "a"), lambda tx: tx.list(Note), lambda tx: tx.delete(Note, "a")]
    )
    async def test_a_transaction_ends_with_its_decision(
        self, store: Store, use: Callable[[Transaction], object]
    ) -> None:
        """Who keeps it cannot use it."""
        kept = await store.transact(lambda tx: tx)

        with pytest.raises(RuntimeError, match="over"):
            use(kept)

    async def test_nothing_is_lost_among_many_writers(self, store: Store) -> None:
        """Twenty tasks increment one counter."""
        await store.transact(lambda tx: tx.create("hits", Counter()))

        await asyncio.gather(*(increment(store, "hits") for _ in range(20)))

        found = await store.get(Counter, "hits")
        assert found is not None
        assert found.value.count == 20
        assert found.revision == 21

    async def test_a_cancelled_decision_is_not_torn(self, store: Store) -> None:
        """Both notes are there or none, and the store goes on."""

        def decide(tx: Transaction) -> None:
            tx.create("a", Note())
            tx.create("b", Note())

        task = asyncio.create_task(store.transact(decide))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert [entity.name for entity in await store.list(Note)] in ([], ["a", "b"])
        await create(store, "c", Note())
        assert await store.get(Note, "c") is not None

    async def test_a_closed_store_says_so(self, store: Store) -> None:
        """Closing twice is no mistake; using it afterwards is."""
        await store.close()
        await store.close()

        with pytest.raises(StoreUnavailable, match="closed"):
            await create(store, "a", Note())
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.get(Note, "a")


class ListSuite:
    """Listings. Fixtures as StoreSuite."""

    async def test_entities_are_listed_by_indexed_fields(self, store: Store) -> None:
        """All conditions hold at once; values are compared as text."""
        await create(store, "a", Note(color=Color.RED, shelf=1, author="eve"))
        await create(store, "b", Note(color=Color.RED, shelf=2))
        await create(store, "c", Note(color=Color.GREEN, shelf=1))

        async def names(**where: object) -> list[str]:
            return [entity.name for entity in await store.list(Note, where)]

        assert await names(color=Color.RED) == ["a", "b"]
        assert await names(color="red", shelf=1) == ["a"]
        assert await names(shelf=1) == ["a", "c"]
        assert await names(author=None) == ["b", "c"]
        assert await names(author="") == []
        assert await names(color="red", shelf=3) == []

    async def test_listings_follow_the_value(self, store: Store) -> None:
        """A note that changes its color leaves the one list and enters the other."""
        made = await create(store, "a", Note(color=Color.RED, shelf=1))
        await store.transact(lambda tx: tx.put(made, Note(color=Color.GREEN, shelf=1)))

        assert await store.list(Note, {"color": Color.RED}) == ()
        assert len(await store.list(Note, {"color": Color.GREEN, "shelf": 1})) == 1

    async def test_a_field_that_is_not_indexed_is_refused(self, store: Store) -> None:
        """The message names those that are."""
        with pytest.raises(ValueError, match="not listed by text; its indexed fields: color, shelf, author"):
            await store.list(Note, {"text": "x"})

    @pytest.mark.parametrize("limit", [1, 2, 4, 9])
    async def test_parts_by_a_field_show_everything_once(self, store: Store, limit: int) -> None:
        """In the order of the field's text, and of names where that is the same."""
        for name, shelf in {"a": 2, "b": 1, "c": 3, "d": 1, "e": 2}.items():
            await create(store, name, Note(shelf=shelf))
        seen: list[str] = []
        after = ("", "")
        while part := await store.read(lambda tx, a=after: tx.ordered(Note, "shelf", after=a, limit=limit)):  # type: ignore[misc]  # as above
            assert len(part) <= limit
            seen += [entity.name for entity in part]
            after = (str(part[-1].value.shelf), part[-1].name)
        assert seen == ["b", "d", "a", "e", "c"]
        last = await store.read(lambda tx: tx.ordered(Note, "shelf", limit=limit, reverse=True))
        assert [entity.name for entity in last] == seen[::-1][:limit]
        assert await store.read(lambda tx: tx.count(Note)) == len(seen)
        assert await store.read(lambda tx: tx.count(Counter)) == 0
        with pytest.raises(ValueError, match="not listed by text"):
            await store.read(lambda tx: tx.ordered(Note, "text", limit=1))

    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 7])
    async def test_pages_show_everything_once(self, store: Store, limit: int) -> None:
        """Also when the last page is exactly full."""
        names = [f"n{number}" for number in range(6)]
        for name in names:
            await create(store, name, Note(shelf=1))
        await create(store, "n3x", Note(shelf=2))

        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            page = await store.transact(lambda tx, a=after: tx.list(Note, {"shelf": 1}, after=a, limit=limit))  # type: ignore[misc]  # as above
            assert 0 < len(page.items) <= limit
            seen += [entity.name for entity in page.items]
            after = page.next
        assert seen == names
