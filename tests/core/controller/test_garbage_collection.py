"""Commands that work on an instance sweep what is old and what nobody refers to, now and then and a little."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from addonkit.controller import garbage_collection
from addonkit.controller.execution_ids import once_id
from addonkit.engine import retention
from addonkit.errors import StoreFull
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.models.lease import Lease
from addonkit.models.maintenance_task import MaintenanceTask

MONTH = timedelta(days=30)


async def kept(kit: Any) -> set[str]:
    return {execution.id for execution in await kit.executions()}


async def pass_by(kit: Any) -> None:
    """A command that changes nothing."""
    await kit.retry("keeper-attic")


async def test_executions_of_what_is_gone_are_forgotten_after_a_week_and_not_before(kit: Any, clock: Any) -> None:
    await kit.create("attic", app="keeper")
    of_the_keeper = await kept(kit)
    await kit.create("attic", app="shop")
    await kit.destroy("shop-attic")
    all_of_them = await kept(kit)

    clock.ahead = timedelta(days=6)
    await pass_by(kit)
    assert await kept(kit) == all_of_them
    clock.ahead = timedelta(days=8)
    await pass_by(kit)

    assert await kept(kit) == of_the_keeper, "what is there can be destroyed in a year, with all its data"


async def test_ties_that_are_gone_are_forgotten_though_their_instance_stays(kit: Any, clock: Any) -> None:
    await kit.create("attic", app="keeper")
    before = await kept(kit)
    await kit.attach("keeper-attic", "web")
    await kit.detach("keeper-attic", "web")

    clock.ahead = MONTH
    await pass_by(kit)

    assert await kept(kit) == before


async def test_an_instance_that_was_kept_for_a_month_is_still_deprovisioned(kit: Any, clock: Any, attic: Any) -> None:
    await kit.create("attic", app="keeper")
    clock.ahead = MONTH
    await pass_by(kit)

    await kit.destroy("keeper-attic")

    assert {word for word, _id in attic.effects} <= {"finish"}


async def test_what_has_not_ended_stays(kit: Any, clock: Any, attic: Any) -> None:
    await kit.create("attic", app="keeper")

    def begun(tx: Any) -> None:
        for status in ExecutionStatus:
            if not status.finished:
                tx.create(f"old/{status}", Execution(f"old/{status}", "s", 1, status, ()))

    await kit._store.transact(begun)
    clock.ahead = MONTH
    await pass_by(kit)

    assert {"old/running", "old/undoing", "old/blocked"} <= await kept(kit)


async def test_questions_are_forgotten_sooner(kit: Any, clock: Any) -> None:
    await kit.create("attic", app="keeper")
    instance = (await kit.show("keeper-attic")).instance

    def ask(tx: Any) -> None:
        id = once_id("inspect", instance.id)
        done = Execution(id, "s", 1, ExecutionStatus.COMPLETED, (), finished=clock.now())
        tx.create(id, done)

    before = await kept(kit)
    await kit._store.transact(ask)
    clock.ahead = timedelta(hours=2)
    await pass_by(kit)

    assert await kept(kit) == before


async def test_leases_that_nobody_has_are_forgotten(kit: Any, clock: Any) -> None:
    await kit.create("attic", app="keeper")
    await kit.create("attic", app="shop")
    await kit.destroy("shop-attic")
    assert len(await kit._store.list(Lease)) >= 4

    clock.ahead = timedelta(days=2)
    await pass_by(kit)

    assert len(await kit._store.list(Lease)) == 1, "the lease of the command itself"


async def test_an_hour_is_the_least_between_two_sweeps(kit: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[str] = []

    async def sweep(*_args: Any, after: str, **_limits: Any) -> retention.SweepResult:
        swept.append(after)
        return retention.SweepResult(0, "there")

    monkeypatch.setattr(garbage_collection, "sweep", sweep)
    await kit.create("attic", app="keeper")
    for ahead in (timedelta(), timedelta(minutes=59), timedelta(minutes=61), timedelta(minutes=90), timedelta(hours=3)):
        clock.ahead = ahead
        await pass_by(kit)

    assert swept == ["", "there"], "it goes on where it was left"


async def test_a_sweep_that_fails_does_not_fail_the_command(
    kit: Any, clock: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def sweep(*_args: Any, **_limits: Any) -> retention.SweepResult:
        raise StoreFull("cannot write", "no space is left")

    monkeypatch.setattr(garbage_collection, "sweep", sweep)
    await kit.create("attic", app="keeper")
    clock.ahead = MONTH

    await pass_by(kit)

    assert "the state was not swept: cannot write: no space is left" in caplog.text
    assert (await kit._store.get(MaintenanceTask, "sweep")).value.due > clock.now(), (
        "the next command need not fail as well"
    )
