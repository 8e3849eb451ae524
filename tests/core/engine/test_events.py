"""Everybody who runs an execution or waits for it hears each event once, in order, without secrets."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from addonkit.engine.events import EVENTS_KEPT, EventPublisher, following, with_events
from addonkit.errors import SagaBlocked, SagaFailed
from addonkit.models.execution import Event, EventKind, Execution, ExecutionStatus
from addonkit.models.secret import Secret
from addonkit.saga.step import Retry, step


def sentences(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.message) for event in events]


async def test_a_good_end_in_sentences(world: Any) -> None:
    flaky = [ConnectionRefusedError("refused")]
    make = world.step("make", lambda: flaky and _raise(flaky.pop()), title="create the disk")

    await world.engine().ensure("x", world.saga(make))

    assert sentences(world.events) == [
        ("started", "create the disk"),
        ("retrying", "create the disk: trying again in 0.2 s (ConnectionRefusedError: refused)"),
        ("done", "create the disk"),
        ("completed", "test.saga: done"),
    ]


async def test_a_bad_end_in_sentences(world: Any) -> None:
    undos = [ValueError("stuck"), ConnectionResetError("reset")]
    make = world.step("make", undo=lambda: undos and _raise(undos.pop()), title="create the disk")
    fail = world.step("fail", ValueError("no"), undo=None)

    with pytest.raises(SagaFailed):
        await world.engine().ensure("x", world.saga(make, fail))

    assert sentences(world.events)[2:] == [
        ("started", "fail"),
        ("failed", "fail: failed (ValueError: no)"),
        ("retrying", "create the disk: undoing again in 0.2 s (ConnectionResetError: reset)"),
        ("undo_failed", "create the disk: undoing failed (ValueError: stuck)"),
        ("undone", "create the disk: undone"),
        ("rolled_back", "test.saga: everything is undone"),
    ]


async def test_the_ends_that_need_an_operator_in_sentences(world: Any) -> None:
    saga = world.saga(world.step("one", undo=ValueError("stuck")), world.step("two", ValueError("no")))
    with pytest.raises(SagaBlocked):
        await world.engine().ensure("x", saga)
    await world.engine().abandon("x")

    assert sentences(world.events)[-2:] == [
        ("blocked", "test.saga: blocked, step one cannot be undone (ValueError: stuck)"),
        ("abandoned", "test.saga: given up by an operator, not undone: one"),
    ]


async def test_an_event_says_what_it_is_about(world: Any) -> None:
    await world.engine().ensure("x", world.saga(world.step("one"), world.step("two")), subject={"instance": "i1"})

    two = next(event for event in world.events if event.step == "two")
    assert (two.execution, two.saga, two.number, two.total) == ("x", "test.saga", 2, 2)
    assert two.subject == {"instance": "i1"}
    assert world.events[-1].step == ""


async def test_events_are_journaled_before_they_are_told(world: Any) -> None:
    heard: list[tuple[str, ...]] = []

    def sink(event: Event) -> None:
        row = world.store._rows["execution", "x"].data
        heard.append((event.kind, f'"{event.kind}"' in row))

    await world.engine(sink=sink).ensure("x", world.saga(world.step("one")))

    assert heard == [("started", True), ("done", True), ("completed", True)]


async def test_progress_is_told_in_order_also_from_another_thread(world: Any) -> None:
    @step(undo=None)
    async def work(progress: Any) -> None:
        progress("first")
        await asyncio.to_thread(progress, "second")
        progress("third")

    await world.engine().ensure("x", world.saga(work))

    assert world.said() == ["work", "first", "second", "third", "work", "test.saga: done"]


async def test_progress_after_the_end_of_the_step_is_not_heard(world: Any) -> None:
    kept: list[Any] = []

    @step(undo=None)
    async def work(progress: Any) -> None:
        kept.append(progress)

    @step(undo=None)
    async def later() -> None:
        kept[0]("too late")
        await asyncio.sleep(0)

    await world.engine().ensure("x", world.saga(work, later))

    assert world.said("progress") == []


async def test_progress_holds_no_secret(world: Any) -> None:
    @step(undo=None)
    async def work(progress: Any, instance: Any) -> None:
        progress(f"logging in with {instance['password'].reveal()}")

    world.resources["instance"] = {"password": Secret("correct-horse")}
    await world.engine().ensure("x", world.saga(work))

    assert world.said("progress") == ["logging in with ***"]


async def test_the_newest_events_are_kept_and_all_are_told(world: Any) -> None:
    @step(undo=None)
    async def talk(progress: Any) -> None:
        for number in range(EVENTS_KEPT + 50):
            progress(str(number))
            if number % 40 == 0:
                await asyncio.sleep(0.001)  # so that they are journaled in several entries

    await world.engine().ensure("x", world.saga(talk))

    assert world.said("progress") == [str(number) for number in range(EVENTS_KEPT + 50)]
    execution = await world.execution()
    assert execution.events == tuple(world.events[-EVENTS_KEPT:])
    assert execution.events_total == len(world.events)


async def test_a_listener_that_raises_is_logged_and_changes_nothing(world: Any, caplog: Any) -> None:
    def sink(event: Event) -> None:
        raise ValueError("deaf")

    with caplog.at_level(logging.ERROR):
        await world.engine(sink=sink).ensure("x", world.saga(world.step("one")))

    assert world.log == ["one"]
    assert "the sink failed on: one" in caplog.text


async def test_who_waits_hears_what_happens_from_then_on(world: Any) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        entered.set()
        await leave.wait()

    saga = world.saga(world.step("one", hold), world.step("two"))
    heard: list[Event] = []
    first = asyncio.create_task(world.engine("one").ensure("x", saga))
    await entered.wait()
    second = asyncio.create_task(world.engine("two", heard.append).ensure("x", saga))
    await asyncio.sleep(0.01)
    leave.set()
    await asyncio.gather(first, second)

    assert sentences(heard) == [
        ("done", "one"),
        ("started", "two"),
        ("done", "two"),
        ("completed", "test.saga: done"),
    ]


async def test_the_tasks_of_one_process_hear_an_execution_once_together(world: Any) -> None:
    async def dawdle() -> None:
        await asyncio.sleep(0.01)

    saga = world.saga(world.step("one", dawdle), world.step("two", dawdle))
    engine = world.engine()

    await asyncio.gather(*(engine.ensure("x", saga) for _ in range(10)))

    assert world.said() == ["one", "one", "two", "two", "test.saga: done"]


def an_execution(total: int) -> Execution:
    events = [
        Event("x", "s", EventKind.PROGRESS, str(number), datetime(2030, 1, 1, tzinfo=UTC)) for number in range(total)
    ]
    return with_events(Execution("x", "s", 1, ExecutionStatus.RUNNING, ()), *events)


def test_who_begins_to_listen_with_old_news_makes_nothing_be_told_twice() -> None:
    heard: list[Event] = []
    publisher = EventPublisher(heard.append)

    with publisher.listening("x", None):
        publisher.publish(an_execution(2))
        with publisher.listening("x", an_execution(1)):
            publisher.publish(an_execution(3))
        publisher.publish(an_execution(4))
        publisher.publish(an_execution(2))
    publisher.publish(an_execution(5))

    assert [event.message for event in heard] == ["0", "1", "2", "3"], "each once, and none without a listener"


async def test_what_happened_last_is_told_before_the_following_ends(world: Any) -> None:
    heard: list[Event] = []
    publisher = EventPublisher(heard.append)

    with publisher.listening("x", None):
        async with following(world.store, "x", publisher):
            await world.store.transact(lambda tx: tx.create("x", an_execution(1)))
        assert [event.message for event in heard] == ["0"]


@pytest.mark.parametrize("turns", range(8))
async def test_following_ends_also_when_something_happens_at_that_very_moment(world_on_disk: Any, turns: int) -> None:
    async with asyncio.timeout(5):
        async with following(world_on_disk.store, "x", EventPublisher(lambda _event: None)):
            await asyncio.sleep(0.01)  # until it waits
            world_on_disk.store._notifier.notify()
            for _ in range(turns):
                await asyncio.sleep(0)


async def test_equal_sentences_are_told_as_often_as_they_are_said(world: Any) -> None:
    saga = world.saga(world.step("one", ConnectionError("x"), retry=Retry(attempts=4, factor=1)))

    with pytest.raises(SagaFailed):
        await world.engine().ensure("x", saga)

    assert len(world.said("retrying")) == 3


async def test_who_resumes_does_not_repeat_what_was_told(world: Any) -> None:
    saga = world.saga(world.step("one"), world.step("two"))
    await world.crash("journal:one", saga)
    world.events.clear()

    await world.engine("two").ensure("x", saga)

    assert world.said() == ["two", "two", "test.saga: done"]


async def test_a_finished_execution_is_silent(world: Any) -> None:
    saga = world.saga(world.step("one"))
    await world.engine().ensure("x", saga)
    world.events.clear()

    await world.engine().ensure("x", saga)

    assert world.events == []


def _raise(error: BaseException) -> None:
    raise error
