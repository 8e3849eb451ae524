from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from addonkit.testing.clock import FakeClock


async def test_time_stands_still():
    clock = FakeClock()
    before = clock.now(), clock.monotonic()
    await asyncio.sleep(0)

    assert (clock.now(), clock.monotonic()) == before
    assert clock.now().utcoffset() == timedelta(0)


async def test_an_automatic_clock_jumps_to_the_end_of_a_sleep():
    clock = FakeClock()
    start = clock.now()

    await clock.sleep(3600)

    assert clock.now() == start + timedelta(hours=1)
    assert clock.monotonic() == 3600
    assert clock.slept == [3600]


@pytest.mark.parametrize("seconds", [0, -1])
@pytest.mark.parametrize("auto", [True, False])
async def test_a_sleep_of_no_time_gives_way_and_returns(auto, seconds):
    clock, turns = FakeClock(auto=auto), []
    other = asyncio.create_task(asyncio.sleep(0, turns.append("other")))

    await clock.sleep(seconds)

    assert turns == ["other"]
    assert clock.monotonic() == 0
    await other


@pytest.mark.parametrize("auto", [True, False])
async def test_sleepers_wake_in_the_order_of_their_deadlines(auto):
    clock, woken = FakeClock(auto=auto), []

    async def sleeper(seconds):
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3, 1, 2, 1)]
    if not auto:
        await clock.advance(10)
    await asyncio.gather(*tasks)

    assert woken == [(1, 1), (1, 1), (2, 2), (3, 3)]


async def test_a_manual_clock_moves_only_when_told():
    clock = FakeClock(auto=False)
    sleeping = asyncio.create_task(clock.sleep(10))

    await clock.advance(9.5)
    assert not sleeping.done()
    assert clock.sleepers == 1
    await clock.advance(0.5)
    assert sleeping.done()
    assert clock.sleepers == 0


async def test_who_sleeps_again_on_the_way_is_woken_again():
    clock, woken = FakeClock(auto=False), []

    async def every_ten():
        while True:
            await clock.sleep(10)
            woken.append(clock.monotonic())

    task = asyncio.create_task(every_ten())
    await clock.advance(35)
    task.cancel()

    assert woken == [10, 20, 30]
    assert clock.monotonic() == 35


@pytest.mark.parametrize("auto", [True, False])
async def test_a_cancelled_sleeper_does_not_move_time(auto):
    clock = FakeClock(auto=auto)
    cancelled = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    other = asyncio.create_task(clock.sleep(7))

    if not auto:
        await clock.advance(7)
    await other

    assert clock.monotonic() == 7


async def test_an_automatic_clock_waits_for_work_that_is_ready():
    """A renewal every ten seconds does not let time fly while others work without sleeping."""
    clock = FakeClock()
    background = asyncio.create_task(clock.sleep(10))

    for _ in range(50):
        await asyncio.sleep(0)

    assert clock.monotonic() == 0
    await background


async def test_an_automatic_clock_moves_on_while_somebody_spins():
    clock = FakeClock()
    sleeping = asyncio.create_task(clock.sleep(10))

    while not sleeping.done():
        await asyncio.sleep(0)

    assert clock.monotonic() == 10
