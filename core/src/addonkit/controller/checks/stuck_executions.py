"""Tells which executions have not ended and will not by themselves: pure, from what is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from addonkit.controller.execution_ids import BACKUPS, is_admin_rotation, is_once
from addonkit.controller.garbage_collection import serves
from addonkit.engine.recovery import unfinished
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.models.instance import Association, Instance, Phase, Server
from addonkit.models.views import Finding
from addonkit.provider.server_sagas import ensure_id, removal_id

if TYPE_CHECKING:
    from addonkit.store.interface import Store, Transaction
    from addonkit.store.leases import Leases


async def check_executions(store: Store, leases: Leases) -> list[Finding]:
    """Return a finding for each execution that needs an operator."""
    idle = {execution.id for execution in await unfinished(store, leases)}
    idle |= {entity.name for entity in await store.list(Execution, {"status": ExecutionStatus.BLOCKED})}
    # A question to a server that was interrupted left nothing, and is asked anew. Backups are looked at elsewhere.
    idle = {id for id in idle if not is_once(id) and not id.startswith(BACKUPS)}
    return list(await store.transact(lambda tx: stuck_executions(tx, idle)))


def stuck_executions(tx: Transaction, idle: Collection[str]) -> tuple[Finding, ...]:
    """Return a finding for each execution that needs an operator.

    Args:
        tx: where they are.
        idle: ids of executions that have not ended and that no process works on.
    """
    waiting, servers = _unfinished(tx), set(_server_ids(tx))
    found = (tx.get(Execution, id) for id in sorted(idle))
    executions = [entity.value for entity in found if entity is not None and not entity.value.status.finished]
    rotations = {e.id for e in executions if is_admin_rotation(e.id) and tx.get(Server, serves(e)) is not None}
    stranded = {e.id for e in executions if serves(e) not in waiting and e.id not in servers} - rotations
    blocked = [e for e in executions if e.status is ExecutionStatus.BLOCKED and e.id not in stranded]
    return (
        *(_blocked(e) for e in blocked if e.id not in rotations),
        *(_stranded(e) for e in executions if e.id in stranded),
        *(_admin_rotation(tx, serves(e)) for e in executions if e.id in rotations),
    )


def _admin_rotation(tx: Transaction, server_id: str) -> Finding:
    names = sorted(each.value.name for each in tx.list(Instance, {"server": server_id}).items)
    way = f"; run `addonkit rotate {names[0]} --admin` to complete it" if names else ""
    return Finding("unfinished", server_id, f"its administrator's password is being replaced{way}")


def _blocked(execution: Execution) -> Finding:
    ways = f"run `addonkit saga retry {execution.id}` or `addonkit saga abandon {execution.id}`"
    return Finding("blocked-execution", execution.id, f"{execution.error}; {ways}")


def _stranded(execution: Execution) -> Finding:
    left = ", ".join(record.name for record in execution.uncompensated) or "nothing"
    problem = f"it is {execution.status}, and what it serves does not need it any more; not undone: {left}"
    return Finding("stranded-execution", execution.id, problem, "give it up")


def _unfinished(tx: Transaction) -> set[str]:
    """Return ids of instances on their way, and of associations that are, or whose instance is."""
    phases = {entity.name: entity.value.phase for entity in tx.list(Instance).items}
    waiting = {name for name, phase in phases.items() if phase is not Phase.ACTIVE}
    ties = (entity.value for entity in tx.list(Association).items)
    return waiting | {a.id for a in ties if a.phase is not Phase.ACTIVE or a.instance in waiting}


def _server_ids(tx: Transaction) -> Iterator[str]:
    for entity in tx.list(Server).items:
        yield from (ensure_id(entity.name), removal_id(entity.name))
