"""Forgets an instance without removing anything: the way out when what it is on is gone, or its addon fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from addonkit.controller.deletion import forget_instance
from addonkit.controller.execution_ids import bind_ids, provision_ids
from addonkit.errors import Busy, SagaError
from addonkit.models.execution import Execution, ExecutionStatus, StepStatus
from addonkit.models.instance import Association, Instance, Server

if TYPE_CHECKING:
    from addonkit.engine.engine import Engine
    from addonkit.store.interface import Store, Transaction
    from addonkit.store.leases import Leases

PATIENCE: Final = 30.0
"""Seconds to wait for another process that works on the instance."""

_UNDONE: Final = frozenset({StepStatus.PENDING, StepStatus.UNDONE})


class Forgetter:
    """Removes entities only; what they describe stays where it is."""

    def __init__(self, store: Store, leases: Leases, engine: Engine) -> None:
        self._store = store
        self._leases = leases
        self._engine = engine

    async def remains(self, instance: Instance) -> tuple[str, ...]:
        """Return what would stay, a sentence each; empty when nothing was made."""
        return await self._store.transact(lambda tx: tuple(_remains(tx, instance)))

    async def forget(self, instance_id: str) -> tuple[str, ...]:
        """Forget an instance, its ties and what was being done for it; return what stays.

        Raises:
            Busy: another process still works on it.
        """
        async with self._leases.hold(f"instance/{instance_id}", wait=PATIENCE):
            found = await self._store.get(Instance, instance_id)
            if found is None:
                return ()
            remains = await self.remains(found.value)
            for execution in await self._store.list(Execution):
                if execution.value.subject.get("instance") == instance_id and not execution.value.status.finished:
                    with contextlib.suppress(SagaError, Busy):
                        await self._engine.abandon(execution.name, reason="its instance is forgotten")
            await self._store.transact(lambda tx: forget_instance(tx, found.value))
            return remains


def _remains(tx: Transaction, instance: Instance) -> Iterator[str]:
    servers = {entity.name for entity in tx.list(Server, {"key": instance.id}).items} | ({instance.server} - {""})
    if servers:
        yield from (_on_server(tx, instance, name) for name in sorted(servers))
    elif place := _words(instance.attributes):
        yield f"{instance.addon}: {place}"
    else:
        yield from _made(tx, provision_ids(instance), instance.addon)
    for entity in tx.list(Association, {"instance": instance.id}).items:
        yield from _credentials(tx, entity.value)


def _on_server(tx: Transaction, instance: Instance, name: str) -> str:
    others = [each for each in tx.list(Instance, {"server": name}).items if each.name != instance.id]
    if others:
        return f"{instance.claim or instance.id} on the shared server {name}; `addonkit doctor --fix` drops it"
    return f"server {name} with its data; `addonkit doctor --fix` removes it"


def _credentials(tx: Transaction, association: Association) -> Iterator[str]:
    known = _words(association.attributes)
    if known:
        yield f"credentials of {association.app}: {known}"
    else:
        yield from _made(tx, bind_ids(association), f"credentials of {association.app}")


def _made(tx: Transaction, ids: Sequence[str], of: str) -> Iterator[str]:
    """Say which steps were done and not undone, where nothing else tells."""
    for id in ids:
        entity = tx.get(Execution, id)
        if entity is None or entity.value.status is ExecutionStatus.FAILED:
            continue
        execution = entity.value
        steps = [record.name.replace("_", " ") for record in execution.steps if record.status not in _UNDONE]
        outputs = {k: v for record in execution.steps for k, v in (record.output or {}).items()}
        if steps:
            told = _words(outputs)
            yield f"{of}: what these steps made: {', '.join(steps)}" + (f" ({told})" if told else "")


def _words(values: Mapping[str, Any]) -> str:
    """Return texts by their names; secrets are of another type."""
    return ", ".join(f"{name} {value}" for name, value in values.items() if isinstance(value, str) and value)
