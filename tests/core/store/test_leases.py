from __future__ import annotations

import asyncio
from datetime import timedelta

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from addonkit.errors import Busy, LeaseLost, StoreUnavailable
from addonkit.models.lease import Lease
from addonkit.store.codec import Codec
from addonkit.store.leases import Leases
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.testing.clock import FakeClock

KEY = "instance/k3x9"


@pytest.fixture(params=["memory", "sqlite"])
def store(request, codec, clock):
    return MemoryStore(codec, clock) if request.param == "memory" else request.getfixturevalue("sqlite_store")


@pytest.fixture
def dead():
    """Owners whose process has ended."""
    return set()


@pytest.fixture
def leases(store, clock, dead):
    def leases(owner):
        return Leases(store, clock, owner, lambda other: other not in dead)

    return leases


async def until(condition):
    """Give other tasks turns until something holds; the store's own thread may be part of it."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def check(store, leases, lease):
    await store.transact(lambda tx: leases.check(tx, lease))


async def test_a_free_lease_is_taken(leases, clock):
    assert await leases("ann").acquire(KEY) == Lease(KEY, "ann", 1, clock.now() + timedelta(seconds=30))


async def test_a_lease_that_is_held_is_not_taken(leases):
    await leases("ann").acquire(KEY)

    assert await leases("bob").acquire(KEY) is None
    assert await leases("ann").acquire(KEY) is None  # her own tasks exclude each other too
    assert await leases("bob").acquire("instance/other") is not None


async def test_a_lease_that_was_given_back_is_free(leases):
    lease = await leases("ann").acquire(KEY)

    assert await leases("ann").give_back(lease)
    assert (await leases("bob").acquire(KEY)).fence == 2


async def test_a_lease_that_expired_is_free_but_not_a_moment_before(leases, clock):
    await leases("ann").acquire(KEY)

    await clock.advance(29.9)
    assert await leases("bob").acquire(KEY) is None
    await clock.advance(0.1)
    assert (await leases("bob").acquire(KEY)).fence == 2


async def test_a_lease_of_a_dead_owner_is_free_at_once(leases, dead):
    await leases("ann").acquire(KEY)
    dead.add("ann")

    taken = await leases("bob").acquire(KEY)
    assert (taken.owner, taken.fence) == ("bob", 2)


async def test_a_renewed_lease_lives_on(leases, clock):
    lease = await leases("ann").acquire(KEY)
    await clock.advance(20)
    renewed = await leases("ann").renew(lease)
    await clock.advance(20)

    assert renewed == attrs.evolve(lease, expires=lease.expires + timedelta(seconds=20))
    assert await leases("bob").acquire(KEY) is None


async def test_an_expired_lease_that_nobody_took_can_be_renewed(leases, clock):
    lease = await leases("ann").acquire(KEY)
    await clock.advance(3600)  # a laptop slept

    assert (await leases("ann").renew(lease)).fence == 1


async def test_who_lost_a_lease_can_do_nothing_with_it(leases, clock, store):
    ann, bob = leases("ann"), leases("bob")
    old = await ann.acquire(KEY)
    await clock.advance(30)
    new = await bob.acquire(KEY)

    with pytest.raises(LeaseLost, match=f"cannot go on with {KEY}: bob has taken it over"):
        await check(store, ann, old)
    with pytest.raises(LeaseLost):
        await ann.renew(old)
    assert not await ann.give_back(old)
    await check(store, bob, new)


async def test_a_lease_that_was_given_back_is_lost(leases, store):
    lease = await leases("ann").acquire(KEY)
    await leases("ann").give_back(lease)

    with pytest.raises(LeaseLost, match="another process has taken it over"):
        await check(store, leases("ann"), lease)


async def test_a_fence_tells_two_lives_of_one_owner_apart(leases, store):
    first = await leases("ann").acquire(KEY)
    await leases("ann").give_back(first)
    second = await leases("ann").acquire(KEY)

    with pytest.raises(LeaseLost):
        await check(store, leases("ann"), first)
    await check(store, leases("ann"), second)


async def test_work_in_the_transaction_of_a_lost_lease_is_not_written(leases, clock, store):
    ann = leases("ann")
    lease = await ann.acquire(KEY)
    await clock.advance(30)
    await leases("bob").acquire(KEY)

    def decide(tx):
        tx.create("work", Lease("work", "ann", 1, clock.now()))
        ann.check(tx, lease)

    with pytest.raises(LeaseLost):
        await store.transact(decide)
    assert await store.get(Lease, "work") is None


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

    await check(store, leases("bob"), taken)  # the end of the block took nothing away from bob


async def test_a_handle_is_good_for_its_block_only(leases, store):
    async with leases("ann").hold(KEY) as held:
        pass

    assert held.lost.is_set()
    with pytest.raises(LeaseLost):
        await store.transact(held.check)


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

    with pytest.raises(ZeroDivisionError):
        async with Leases(store, clock, "ann", lambda owner: True).hold(KEY):
            store.fails = True
            raise ZeroDivisionError


async def test_old_leases_are_swept(leases, clock, store):
    ann = leases("ann")
    await ann.give_back(await ann.acquire("old"))
    await ann.acquire("expired")
    await clock.advance(86_500)
    await ann.give_back(await ann.acquire("fresh"))
    await ann.acquire("held")

    assert await ann.sweep() == 2
    assert [entity.name for entity in await store.list(Lease)] == ["fresh", "held"]


class LeaseMachine(RuleBasedStateMachine):
    """Three owners do as they please; whatever happens at most one of them can write, and fences only grow."""

    owners = ("ann", "bob", "eve")

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock(auto=False)
        self.store = MemoryStore(Codec(Sealer(b"k" * 32)), self.clock)
        self.dead = set()
        self.leases = {owner: self.of(owner) for owner in self.owners}
        self.believed = {}  # what each owner holds, as far as it knows
        self.fence = 0

    def of(self, owner):
        return Leases(self.store, self.clock, owner, lambda other: other not in self.dead)

    def teardown(self):
        self.runner.close()

    @rule(owner=st.sampled_from(owners))
    def acquire(self, owner):
        valid = self.valid()
        lease = self.runner.run(self.leases[owner].acquire(KEY))
        if lease is None:
            assert valid, "nobody held it"
            return
        assert lease.fence == self.fence + 1
        for holder in valid:
            assert holder in self.dead or self.believed[holder].expires <= self.clock.now()
        self.fence = lease.fence
        self.believed[owner] = lease

    @rule(owner=st.sampled_from(owners))
    def renew(self, owner):
        if owner not in self.believed:
            return
        valid = owner in self.valid()
        try:
            self.believed[owner] = self.runner.run(self.leases[owner].renew(self.believed[owner]))
            assert valid
        except LeaseLost:
            assert not valid
            del self.believed[owner]

    @rule(owner=st.sampled_from(owners))
    def give_back(self, owner):
        if owner in self.believed:
            valid = owner in self.valid()
            assert self.runner.run(self.leases[owner].give_back(self.believed.pop(owner))) == valid

    @rule(owner=st.sampled_from(owners))
    def die_or_rise(self, owner):
        self.dead ^= {owner}

    @rule(seconds=st.sampled_from([1, 10, 29, 30, 31]))
    def wait(self, seconds):
        self.runner.run(self.clock.advance(seconds))

    @invariant()
    def one_at_most_can_write(self):
        assert len(self.valid()) <= 1

    def valid(self):
        return [owner for owner, lease in self.believed.items() if self.runner.run(self._passes(owner, lease))]

    async def _passes(self, owner, lease):
        try:
            await check(self.store, self.leases[owner], lease)
        except LeaseLost:
            return False
        return True


def test_two_never_hold_one_lease():
    run_state_machine_as_test(LeaseMachine)
