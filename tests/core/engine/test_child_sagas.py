"""A step may need what another saga makes: executions of their own, shared, that outlive who asked first."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from addonkit.errors import SagaFailed, TransientError
from addonkit.models.execution import ExecutionStatus
from addonkit.models.lease import Lease
from addonkit.saga.saga import Saga
from addonkit.saga.step import Retry, Step, step


@pytest.fixture
def inner(world: Any) -> Saga[int]:
    @step(gives="result")
    async def make_server(framework: Any, size: int) -> int:
        framework.log.append("make server")
        await asyncio.sleep(0)
        return size * 10

    @make_server.undo
    async def _(framework: Any) -> None:
        framework.log.append("undo make server")

    return Saga("test.server", steps=[make_server], inputs=("size",))


def joining(inner: Saga[int], id: str = "server", **options: Any) -> Step:
    """A step that needs the server and gives its number; undoing it leaves the server alone."""

    @step(gives="server_number", undo=None, **options)
    async def join(sagas: Any) -> int:
        number: int = await sagas.ensure(id, inner, {"size": 3})
        return number

    return join


async def test_a_step_uses_the_result_of_another_execution(world: Any, inner: Saga[int]) -> None:
    @step(gives="result", undo=None)
    async def tell(server_number: int) -> int:
        return server_number

    assert await world.engine().ensure("x", world.saga(joining(inner), tell)) == 30
    assert await world.status("server") is ExecutionStatus.COMPLETED


async def test_parents_share_one_child_and_undoing_them_leaves_it(world: Any, inner: Saga[int]) -> None:
    good, bad = world.saga(joining(inner)), world.saga(joining(inner), world.step("end", ValueError("no")))

    outcomes = await asyncio.gather(
        world.engine("one").ensure("a", good),
        world.engine("two").ensure("b", bad),
        world.engine("three").ensure("c", good),
        return_exceptions=True,
    )
    await world.engine().undo("a", good)

    assert [type(outcome) for outcome in outcomes] == [type(None), SagaFailed, type(None)]
    assert world.log.count("make server") == 1
    assert "undo make server" not in world.log


async def test_a_parent_that_is_run_again_finds_its_child(world: Any, inner: Saga[int]) -> None:
    saga = world.saga(joining(inner))
    await world.crash("after:join", saga)

    await world.engine("two").ensure("x", saga)

    assert world.log == ["make server"]


async def test_a_child_that_crashed_is_continued_by_its_parent(world: Any, inner: Saga[int]) -> None:
    saga = world.saga(joining(inner))
    await world.crash("before:make_server", saga)
    assert await world.status("server") is ExecutionStatus.RUNNING

    await world.engine("two").ensure("x", saga)

    assert world.log == ["make server"]
    assert await world.status("server") is ExecutionStatus.COMPLETED


async def test_a_child_that_fails_is_undone_and_fails_its_parent_at_once(world: Any) -> None:
    cause = TransientError("starting the server", "port taken")
    child = Saga("test.server", steps=[world.step("start", cause, retry=Retry(attempts=2))])

    @step(undo=None)
    async def join(sagas: Any) -> None:
        await sagas.ensure("server", child)

    with pytest.raises(SagaFailed) as caught:
        await world.engine().ensure("x", world.saga(join))

    assert str(caught.value) == "join: start: starting the server: port taken"
    assert caught.value.details["transient"], "the cause may pass, so who asked may ask again later"
    assert world.log == ["start", "start", "undo start"], "the parent does not try again what has ended"


async def test_a_step_may_undo_another_execution(world: Any, inner: Saga[int]) -> None:
    await world.engine().ensure("server", inner, {"size": 1})

    @step(undo=None)
    async def remove(sagas: Any) -> None:
        await sagas.undo("server", inner)
        await sagas.undo("server", inner)
        await sagas.undo("unknown", inner)

    await world.engine().ensure("x", world.saga(remove))

    assert world.log == ["make server", "undo make server"]


@pytest.mark.parametrize(("given", "expected"), [(None, {"instance": "i1"}), ({"server": "s1"}, {"server": "s1"})])
async def test_a_child_serves_what_its_parent_serves_unless_told(
    world: Any, inner: Saga[int], given: dict[str, str] | None, expected: dict[str, str]
) -> None:
    @step(undo=None)
    async def join(sagas: Any) -> None:
        await sagas.ensure("server", inner, {"size": 3}, given)

    await world.engine().ensure("x", world.saga(join), subject={"instance": "i1"})

    assert (await world.execution("server")).subject == expected


async def test_who_loses_a_child_to_another_process_waits_for_that_one(world: Any) -> None:
    """As when the machine slept: the lease has expired, another process has the child, the parent is still ours."""
    thief = world.engine("thief")
    taken: list[asyncio.Task[Any]] = []
    child: Saga[int]

    @step(gives="result", undo=None)
    async def make(framework: Any) -> int:
        framework.log.append("make")
        if not taken:
            await framework.store.transact(expire)
            taken.append(asyncio.create_task(thief.ensure("server", child)))
            while len(framework.log) < 2:
                await asyncio.sleep(0)
        return len(framework.log)

    def expire(tx: Any) -> None:
        entity = tx.get(Lease, "execution/server")
        tx.put(entity, attrs.evolve(entity.value, expires=world.clock.now()))

    child = Saga("test.server", steps=[make])

    @step(gives="result", undo=None)
    async def join(sagas: Any) -> int:
        number: int = await sagas.ensure("server", child)
        return number

    assert await world.engine().ensure("x", world.saga(join)) == 2
    assert await taken[0] == 2
    assert await world.status("x") is ExecutionStatus.COMPLETED


async def test_an_execution_that_waits_for_itself_is_refused(world: Any) -> None:
    @step(undo=None)
    async def selfish(sagas: Any) -> None:
        await sagas.ensure("x", world.saga())

    with pytest.raises(SagaFailed, match="cannot run x: one of its own steps asks for it, and would wait for ever"):
        await world.engine().ensure("x", world.saga(selfish))


async def test_executions_that_wait_for_each_other_are_refused(world: Any) -> None:
    @step(undo=None)
    async def outer_again(sagas: Any) -> None:
        await sagas.undo("outer", world.saga())

    @step(undo=None)
    async def ask(sagas: Any) -> None:
        await sagas.ensure("inner", Saga("test.inner", steps=[outer_again]))

    with pytest.raises(SagaFailed, match="cannot run outer: one of its own steps"):
        await world.engine().ensure("outer", world.saga(ask))


async def test_executions_side_by_side_are_not_taken_for_nested(world: Any) -> None:
    engine = world.engine()

    async def ask(id: str) -> None:
        await engine.ensure(id, world.saga(world.step(f"step_{id}")))
        await engine.ensure(id, world.saga(world.step(f"step_{id}")))

    await asyncio.gather(ask("a"), ask("b"))

    assert sorted(world.log) == ["step_a", "step_b"]
