from __future__ import annotations

import asyncio
from datetime import timedelta

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from addonkit.errors import LeaseLost
from addonkit.models.lease import Lease
from addonkit.store.codec import Codec
from addonkit.store.leases import Leases
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.testing.clock import FakeClock

KEY = "instance/k3x9"


@pytest.fixture
def store(either_store):
    return either_store


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

    with pytest.raises(LeaseLost, match=f"cannot resume {KEY}: bob has taken it over"):
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
            assert valid, "it was free"
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
