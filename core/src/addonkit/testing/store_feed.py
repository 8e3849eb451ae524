"""Tests of the change feed of every store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import attrs
import pytest

from addonkit.errors import RevisionConflict, StoreUnavailable
from addonkit.store.interface import CHANGES_KEPT, Change, ChangeKind, Store, Transaction
from addonkit.testing.store import create
from addonkit.testing.store_values import Color, Counter, Note


async def take(changes: AsyncGenerator[Change, None], count: int) -> list[Change]:
    """Return the next changes. A watcher that is never told fails its test instead of blocking it."""
    async with asyncio.timeout(30):
        return [await anext(changes) for _ in range(count)]


def brief(changes: list[Change]) -> list[tuple[str, str, int]]:
    """Return what happened to which entity, and its revision."""
    return [(change.what.value, f"{change.kind}/{change.name}", change.revision) for change in changes]


class FeedSuite:
    """Fixture: `store`, empty."""

    async def test_a_watcher_is_told_what_happens(self, store: Store) -> None:
        """In order, with numbers that grow, beginning with the call of `watch`."""
        await create(store, "before", Note())
        async with aclosing(store.watch()) as changes:
            made = await create(store, "a", Note())
            await store.transact(lambda tx: tx.put(made, Note("x")))
            await store.transact(lambda tx: tx.delete(Note, "a"))

            told = await take(changes, 3)

        assert brief(told) == [("created", "note/a", 1), ("updated", "note/a", 2), ("deleted", "note/a", 2)]
        assert told[0].number < told[1].number < told[2].number

    async def test_a_waiting_watcher_wakes_up(self, store: Store) -> None:
        """It was waiting before anything happened."""
        async with aclosing(store.watch()) as changes:
            waiting = asyncio.create_task(take(changes, 1))
            await asyncio.sleep(0)
            await create(store, "a", Note())

            assert brief(await waiting) == [("created", "note/a", 1)]

    async def test_a_watcher_chooses_kinds(self, store: Store) -> None:
        """Others are not told to it."""
        async with aclosing(store.watch(Counter)) as changes:
            await create(store, "a", Note())
            await store.transact(lambda tx: tx.create("b", Counter()))

            assert brief(await take(changes, 1)) == [("created", "counter/b", 1)]

    async def test_a_watcher_goes_on_where_it_was(self, store: Store) -> None:
        """`since` is the last number it saw."""
        async with aclosing(store.watch()) as changes:
            for name in ("a", "b", "c"):
                await create(store, name, Note())
            first, *others = await take(changes, 3)

        async with aclosing(store.watch(since=first.number)) as changes:
            assert await take(changes, 2) == others

    async def test_every_watcher_is_told(self, store: Store) -> None:
        """Also when several wait at once."""
        async with aclosing(store.watch()) as one, aclosing(store.watch(Note)) as two:
            waiting = asyncio.gather(take(one, 2), take(two, 2))
            await create(store, "a", Note())
            await create(store, "b", Note())

            first, second = await waiting

        assert first == second

    async def test_what_was_rolled_back_is_not_told(self, store: Store) -> None:
        """Only what was committed happened."""

        def decide(tx: Transaction) -> None:
            tx.create("never", Note())
            raise ZeroDivisionError

        async with aclosing(store.watch()) as changes:
            with pytest.raises(ZeroDivisionError):
                await store.transact(decide)
            await create(store, "a", Note())

            assert brief(await take(changes, 1)) == [("created", "note/a", 1)]

    async def test_a_watcher_that_fell_behind_is_told_so(self, store: Store) -> None:
        """Whatever kinds it watches; then it continues with the changes that are remembered."""
        await store.transact(lambda tx: tx.create("old", Counter()))

        def decide(tx: Transaction) -> None:
            for _ in range(CHANGES_KEPT // 2):
                tx.create("x", Counter())
                tx.delete(Counter, "x")

        await store.transact(decide)
        await create(store, "a", Note())

        async with aclosing(store.watch(Note, since=0)) as changes:
            missed, made = await take(changes, 2)
        assert missed == Change(missed.number, "", "", ChangeKind.MISSED, 0)
        assert brief([made]) == [("created", "note/a", 1)]
        assert made.number - missed.number == CHANGES_KEPT

    async def test_a_watcher_of_a_closed_store_is_told_so(self, store: Store) -> None:
        """It does not wait for ever."""
        async with aclosing(store.watch()) as changes:
            waiting = asyncio.create_task(take(changes, 1))
            await asyncio.sleep(0)
            await store.close()

            with pytest.raises(StoreUnavailable, match="closed"):
                await waiting


class SharedSuite:
    """Stores that several processes use. Fixtures: `store`, and `second` on the same data."""

    async def test_both_see_one_state(self, store: Store, second: Store) -> None:
        """At once, listings included."""
        made = await create(store, "a", Note(color=Color.GREEN))

        assert await second.get(Note, "a") == made
        assert await second.list(Note, {"color": Color.GREEN}) == (made,)

    async def test_one_conflicts_with_the_other(self, store: Store, second: Store) -> None:
        """The revision is the data's, not the handle's."""
        made = await create(store, "a", Note())
        newest = await second.transact(lambda tx: tx.put(made, Note("theirs")))

        with pytest.raises(RevisionConflict):
            await store.transact(lambda tx: tx.put(made, Note("ours")))
        assert await store.get(Note, "a") == attrs.evolve(newest, value=Note("theirs"))

    async def test_decisions_of_both_happen_one_after_the_other(self, store: Store, second: Store) -> None:
        """What a decision has read stays true until it is committed: none fails, none is lost."""
        await store.transact(lambda tx: tx.create("hits", Counter()))

        def decide(tx: Transaction) -> None:
            found = tx.get(Counter, "hits")
            assert found is not None
            tx.put(found, Counter(found.value.count + 1))

        await asyncio.gather(*(each.transact(decide) for _ in range(50) for each in (store, second)))

        found = await second.get(Counter, "hits")
        assert found is not None
        assert found.value.count == 100

    async def test_one_is_told_of_the_other(self, store: Store, second: Store) -> None:
        """No notification comes for it."""
        async with aclosing(store.watch()) as changes:
            waiting = asyncio.create_task(take(changes, 2))
            await asyncio.sleep(0)
            await create(second, "a", Note())
            await create(second, "b", Note())

            assert brief(await waiting) == [("created", "note/a", 1), ("created", "note/b", 1)]

    async def test_numbers_are_shared(self, store: Store, second: Store) -> None:
        """A position of one is good for the other."""
        await create(store, "a", Note())
        await create(second, "b", Note())
        async with aclosing(store.watch(since=0)) as ours, aclosing(second.watch(since=0)) as theirs:
            assert await take(ours, 2) == await take(theirs, 2)
