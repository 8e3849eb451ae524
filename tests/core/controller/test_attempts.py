"""Attempts that failed, that are stuck, that are not wanted any more: what they left is undone or removed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from addonkit import InstanceFailed, SagaBlocked, SagaError
from addonkit.models.execution import ExecutionStatus
from addonkit.models.instance import Association


async def blocked(kit: Any, attic: Any) -> str:
    """Id of an execution that is blocked: its last step failed, its first cannot be undone."""
    attic.failing = {"finish", "undo make"}
    with pytest.raises(InstanceFailed, match="step make: ValueError: make is stuck"):
        await kit.create("attic", app="shop")
    (execution,) = await kit.executions(unfinished=True)
    assert execution.status is ExecutionStatus.BLOCKED
    return execution.id


async def statuses(kit: Any) -> dict[str, ExecutionStatus]:
    return {e.id.partition("/")[0] + "/" + e.id.rpartition("/")[2]: e.status for e in await kit.executions()}


async def test_what_was_the_cause_is_said_with_what_is_in_the_way(kit: Any, attic: Any) -> None:
    await blocked(kit, attic)

    message = (await kit.show("shop-attic")).instance.message

    assert "make is stuck (it is undone because ValueError: finish failed)" in message


async def test_however_often_it_is_tried_nothing_begins_before_every_former_attempt_is_undone(
    kit: Any, attic: Any
) -> None:
    await blocked(kit, attic)

    for _ in range(3):
        with pytest.raises(InstanceFailed, match="make is stuck"):
            await kit.retry("shop-attic")
        assert list(await statuses(kit)) == ["provision/1"]

    attic.failing = set()
    await kit.retry("shop-attic")

    assert await statuses(kit) == {
        "provision/1": ExecutionStatus.FAILED,
        "provision/5": ExecutionStatus.COMPLETED,
        "bind/1": ExecutionStatus.COMPLETED,
    }


async def test_destroying_removes_what_a_former_attempt_could_not_undo(kit: Any, attic: Any) -> None:
    await blocked(kit, attic)
    with pytest.raises(InstanceFailed):
        await kit.retry("shop-attic")

    await kit.destroy("shop-attic")

    assert attic.effects == set()
    assert await kit.executions(unfinished=True) == ()
    assert await kit.doctor() == ()


async def test_a_blocked_execution_that_is_tried_again_in_vain_fails(kit: Any, attic: Any) -> None:
    id = await blocked(kit, attic)

    with pytest.raises(SagaBlocked, match=f"`addonkit saga retry {id}` tries again"):
        await kit.retry_execution(id)
    attic.failing = set()

    assert (await kit.retry_execution(id)).status is ExecutionStatus.FAILED
    assert (await kit.show("shop-attic")).instance.phase == "active"


async def test_what_has_ended_is_not_tried_again(kit: Any) -> None:
    await kit.create("attic", app="shop")
    (execution, *_) = await kit.executions()

    with pytest.raises(SagaError, match="it is completed; `addonkit retry` begins an instance anew"):
        await kit.retry_execution(execution.id)


async def test_what_nobody_needs_is_refused_and_the_doctor_gives_it_up(kit: Any, attic: Any) -> None:
    attic.failing = {"bind", "undo bind"}
    with pytest.raises(InstanceFailed):
        await kit.create("attic", app="shop")
    (execution,) = await kit.executions(unfinished=True)
    # As a release left it that did not look after former attempts.
    await kit._store.transact(lambda tx: tx.delete(Association, execution.subject["association"]))

    with pytest.raises(SagaError, match="shop-attic does not need it any more; `addonkit saga abandon"):
        await kit.retry_execution(execution.id)
    (finding,) = await kit.doctor()
    assert (finding.kind, finding.subject) == ("stranded-execution", execution.id)
    assert "not undone: bind" in finding.problem
    await kit.fix([finding])

    assert await kit.doctor() == ()
    assert (await kit.execution(execution.id)).status is ExecutionStatus.ABANDONED


async def test_an_execution_of_an_instance_that_is_gone_is_not_tried_again(kit: Any, attic: Any) -> None:
    from addonkit.models.instance import Instance

    id = await blocked(kit, attic)
    instance = (await kit.show("shop-attic")).instance
    await kit._store.transact(lambda tx: tx.delete(Instance, instance.id))

    with pytest.raises(SagaError, match="the instance it serves is gone; `addonkit saga abandon"):
        await kit.retry_execution(id)
    assert (await kit.execution(id)).status is ExecutionStatus.BLOCKED


async def test_a_blocked_execution_of_an_instance_that_needs_it_waits_for_its_operator(kit: Any, attic: Any) -> None:
    id = await blocked(kit, attic)

    finding, failed = await kit.doctor()

    assert (finding.kind, finding.subject, finding.fix) == ("blocked-execution", id, "")
    assert (failed.kind, failed.subject) == ("failed", "shop-attic")


async def test_detaching_stops_a_binding_that_takes_its_time(kit: Any, attic: Any) -> None:
    await kit.create("attic", app="shop")
    attic.holding = "bind"
    attaching = asyncio.create_task(kit.attach("shop-attic", "web"))
    await attic.entered.wait()

    async with asyncio.timeout(20):
        await kit.detach("shop-attic", "web")
        await asyncio.gather(attaching, return_exceptions=True)

    assert [word for word, _id in attic.effects].count("bind") == 1, "the shop's own"
    assert [a.app for a in (await kit.show("shop-attic")).associations] == ["shop"]


async def test_destroying_stops_a_binding_that_takes_its_time(kit: Any, attic: Any) -> None:
    attic.holding = "bind"
    creating = asyncio.create_task(kit.create("attic", app="shop"))
    await attic.entered.wait()

    async with asyncio.timeout(20):
        await kit.destroy("shop-attic")
        await asyncio.gather(creating, return_exceptions=True)

    assert {word for word, _id in attic.effects} <= {"finish"}, "deprovisioning leaves what the addon does not name"
    assert await kit.instances() == ()


async def test_binding_anew_undoes_former_attempts_first(kit: Any, attic: Any) -> None:
    attic.failing = {"bind", "undo bind"}
    with pytest.raises(InstanceFailed):
        await kit.create("attic", app="shop")
    with pytest.raises(InstanceFailed):
        await kit.retry("shop-attic")
    attic.failing = set()

    await kit.retry("shop-attic")

    assert [e.status for e in await kit.executions() if e.id.startswith("bind/")] == [
        ExecutionStatus.FAILED,
        ExecutionStatus.COMPLETED,
    ]
