"""Waiting for a lease, and holding it for the length of a block."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from addonkit.errors import Busy, LeaseLost, StoreUnavailable
from addonkit.store.leases import LeaseHandle, Leases
from addonkit.store.memory import MemoryStore

KEY = "instance/k3x9"


@pytest.fixture
def store(either_store):
    return either_store


async def until(condition):
    """Give other tasks turns until something holds; the store's own thread may be part of it."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def test_waiting_for_a_free_lease_does_not_wait(leases, clock):
    assert (await leases("ann").wait(KEY)).fence == 1
    assert clock.slept == []


async def test_who_waits_hears_of_a_lease_given_back(leases, clock):
    lease = await leases("ann").acquire(KEY)
    waiting = asyncio.create_task(leases("bob").wait(KEY))
    await until(lambda: clock.sleepers)

    await leases("ann").give_back(lease)

    assert (await waiting).owner == "bob"
    assert clock.monotonic() == 0


async def test_who_waits_sees_that_the_owner_died(leases, clock, dead):
    await leases("ann").acquire(KEY)
    waiting = asyncio.create_task(leases("bob").wait(KEY))
    await until(lambda: clock.sleepers)

    dead.add("ann")
    await clock.advance(1)

    assert (await waiting).owner == "bob"


async def test_who_waits_gets_an_expired_lease(leases, clock):
    await leases("ann").acquire(KEY)
    clock.auto = True

    assert (await leases("bob").wait(KEY)).fence == 2
    assert clock.monotonic() == 30


async def test_waiting_ends_in_time_and_says_who_is_busy(leases, clock):
    await leases("ann").acquire(KEY)
    clock.auto = True

    with pytest.raises(Busy, match=f"cannot begin with {KEY}: ann works on it") as caught:
        await leases("bob").wait(KEY, timeout=2.5)
    assert caught.value.details == {"owner": "ann"}
    assert clock.monotonic() == 2.5


async def test_of_many_who_wait_each_gets_its_turn(leases, clock):
    clock.auto = True
    inside = most = 0

    async def work(owner):
        nonlocal inside, most
        async with leases(owner).hold(KEY):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
        return owner

    owners = [f"owner{number}" for number in range(12)]
    assert await asyncio.gather(*(work(owner) for owner in owners)) == owners
    assert most == 1


async def test_a_held_lease_is_renewed_and_given_back(leases, clock, store):
    async with leases("ann").hold(KEY) as held:
        for _ in range(10):
            await until(lambda: clock.sleepers)
            before = held.lease.expires
            await clock.advance(10)
            await until(lambda before=before: held.lease.expires > before)
            assert await leases("bob").acquire(KEY) is None
        assert held.lease.expires == clock.now() + timedelta(seconds=30)
        await store.transact(held.check)

    assert (await leases("bob").acquire(KEY)).fence == 2
    assert clock.sleepers == 0


async def test_a_held_lease_that_is_not_free_is_busy_when_told_not_to_wait(leases, clock):
    async with leases("ann").hold(KEY):
        with pytest.raises(Busy):
            async with leases("bob").hold(KEY, wait=0):
                pytest.fail("two hold one lease")


async def test_the_block_hears_that_its_lease_is_lost(leases, clock, dead, store):
    async with leases("ann").hold(KEY) as held:
        await until(lambda: clock.sleepers)
        dead.add("ann")  # as others see it
        taken = await leases("bob").acquire(KEY)
        assert not held.lost.is_set()
        with pytest.raises(LeaseLost):  # refused even before it is known
            await store.transact(held.check)

        await clock.advance(10)
        await until(held.lost.is_set)
        with pytest.raises(LeaseLost, match="could not be renewed"):
            await store.transact(held.check)

    await store.transact(lambda tx: leases("bob").check(tx, taken))  # the end of the block took nothing away from bob


async def test_a_handle_is_good_for_its_block_only(leases, store):
    async with leases("ann").hold(KEY) as held:
        pass

    assert held.lost.is_set()
    with pytest.raises(LeaseLost):
        await store.transact(held.check)


async def test_a_handle_is_over_even_if_its_renewal_never_began(leases, clock):
    held = LeaseHandle(leases("ann"), await leases("ann").acquire(KEY))

    await held.end(asyncio.create_task(held.keep(clock)))

    assert held.lost.is_set()


@pytest.mark.parametrize("end", [ZeroDivisionError, asyncio.CancelledError])
async def test_a_lease_is_given_back_however_the_block_ends(leases, end):
    with pytest.raises(end):
        async with leases("ann").hold(KEY):
            raise end

    assert await leases("bob").acquire(KEY) is not None


async def test_a_lease_is_given_back_when_its_task_is_cancelled_again_and_again(leases):
    entered = asyncio.Event()

    async def work():
        async with leases("ann").hold(KEY):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # while it is being given back
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await leases("bob").acquire(KEY) is not None


async def test_a_lease_taken_for_a_cancelled_task_is_not_left_behind(leases):
    for turns in range(8):
        task = asyncio.create_task(leases("ann").wait(f"{KEY}/{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if task.cancelled():
            assert await leases("bob").acquire(f"{KEY}/{turns}") is not None


async def test_a_waiting_task_that_is_cancelled_leaves_nothing_running(leases, clock):
    await leases("ann").acquire(KEY)
    waiting = asyncio.create_task(leases("bob").wait(KEY))
    await until(lambda: clock.sleepers)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert clock.sleepers == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Failing:
    """A store that fails while told to."""

    def __init__(self, inner):
        self.inner = inner
        self.fails = False

    def __getattr__(self, name):
        return getattr(self.inner, name)

    async def transact(self, decide):
        if self.fails:
            raise StoreUnavailable("cannot write", "out of order")
        return await self.inner.transact(decide)


async def test_a_renewal_that_fails_is_tried_again_until_the_lease_expires(codec, clock, caplog):
    store = Failing(MemoryStore(codec, clock))
    async with Leases(store, clock, "ann", lambda owner: True).hold(KEY) as held:
        await until(lambda: clock.sleepers)
        store.fails = True
        await clock.advance(20)
        assert not held.lost.is_set()
        store.fails = False
        await clock.advance(10)
        assert held.lease.expires == clock.now() + timedelta(seconds=30)

        store.fails = True
        await clock.advance(29)
        assert not held.lost.is_set()
        await clock.advance(1)
        assert held.lost.is_set()

    assert "was not given back and expires by itself: cannot write: out of order" in caplog.text


async def test_a_failing_end_does_not_hide_what_the_block_raised(codec, clock):
    store = Failing(MemoryStore(codec, clock))

    async def work():
        async with Leases(store, clock, "ann", lambda owner: True).hold(KEY):
            store.fails = True
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
