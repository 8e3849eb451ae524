"""Makes sure that executions come to their end: starts, joins, resumes and undoes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.errors import SagaBlocked, SagaDefinitionError, SagaError, SagaFailed, UnknownExecution
from addonkit.models.execution import Event, EventKind, Execution, ExecutionStatus, StepRecord, StepStatus
from addonkit.saga.arguments import result_of
from addonkit.saga.follow import following
from addonkit.saga.journal import Journal, Sink
from addonkit.saga.runner import Runner
from addonkit.saga.shapes import reshaped

if TYPE_CHECKING:
    from addonkit.clock import Clock
    from addonkit.saga.definition import Saga
    from addonkit.store.holding import Held
    from addonkit.store.interface import Store, Transaction
    from addonkit.store.leases import Leases

Resources = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]
"""Gives the engine's own arguments for an execution's subject: see definition.ENGINE_NAMES."""

_mine: ContextVar[frozenset[str]] = ContextVar("executions of this task", default=frozenset())


class Engine:
    """Runs sagas durably.

    Args:
        store: where executions are journaled.
        leases: say which process runs an execution.
        clock: gives times, waits for retries.
        resources: asked before each step and undo.
        sink: told every event after it was journaled, also of executions that another process runs while
            this one waits for them.
    """

    def __init__(
        self, store: Store, leases: Leases, clock: Clock, resources: Resources, sink: Sink | None = None
    ) -> None:
        self._store = store
        self._leases = leases
        self._clock = clock
        self._resources = resources
        self._sink: Sink = sink or _nobody

    async def ensure(
        self,
        id: str,
        saga: Saga[Any],
        inputs: Mapping[str, Any] | None = None,
        subject: Mapping[str, str] | None = None,
    ) -> Any:
        """The result of the execution of that id: started, joined, resumed, or looked up.

        Args:
            id: derived from what it serves, so that a second request finds the first.
            saga: what it runs. The inputs of an execution that exists already are those it began with.
            inputs: values for inputs that are not bound.
            subject: entity ids by role, see Execution.

        Raises:
            SagaFailed: a step failed and everything is undone.
            SagaBlocked: an undo keeps failing.
            SagaRefused: the execution has another shape; nothing was run.
            SagaDefinitionError: inputs are missing.
            LeaseLost: another process has taken over.
        """
        bound = saga.bind(**(inputs or {}))
        found = await self.execution(id)
        if found is None or not found.status.finished:
            async with self._owning(id) as held:
                found = await self._load(id, held) or await self._begin(id, bound, dict(subject or {}))
                if found.status is not ExecutionStatus.BLOCKED and not found.status.finished:
                    found = await self._runner(found, bound, held).run()
        return _outcome(bound, found)

    async def undo(self, id: str, saga: Saga[Any], *, completed: bool = True) -> None:
        """Undo the execution of that id, whatever its state. None, and one undone already, is success.

        Args:
            id: of the execution.
            saga: what it ran.
            completed: whether one that was completed is undone too.

        Raises:
            SagaBlocked: an undo keeps failing.
            SagaRefused: the execution has another shape; nothing was run.
        """
        await self.cancel(id)
        over = {ExecutionStatus.FAILED, ExecutionStatus.ABANDONED}
        if not completed:
            over.add(ExecutionStatus.COMPLETED)
        found = await self.execution(id)
        if found is None or found.status in over:
            return
        async with self._owning(id) as held:
            found = await self._load(id, held)
            if found is None or found.status in over:
                return
            found = await self._runner(found, saga, held).undo()
        if found.status is ExecutionStatus.BLOCKED:
            raise _blocked(found)

    async def cancel(self, id: str) -> None:
        """Ask whoever runs the execution to stop and undo it; noticed between two steps."""

        def decide(tx: Transaction) -> None:
            entity = tx.get(Execution, id)
            if entity is not None and entity.value.status is ExecutionStatus.RUNNING and not entity.value.cancel:
                tx.put(entity, attrs.evolve(entity.value, cancel=True))

        await self._store.transact(decide)

    async def unblock(self, id: str) -> None:
        """Let a blocked execution be undone again by whoever needs it next."""

        def change(now: Execution) -> Execution:
            if now.status is not ExecutionStatus.BLOCKED:
                return now
            return attrs.evolve(now, status=ExecutionStatus.UNDOING, undo_rounds=0, undo_at=None)

        async with self._owning(id) as held:
            found = await self._load(id, held)
            if found is not None:
                await self._journal(found, held).write(change)

    async def abandon(self, id: str) -> tuple[str, ...]:
        """Give up what is left to undo; returns the names of the steps that stay uncompensated.

        Raises:
            UnknownExecution: there is none of that id.
            SagaError: it is not being undone.
            Busy: somebody works on it.
        """
        async with self._leases.hold(f"execution/{id}", wait=0) as held:
            found = await self._load(id, held)
            if found is None:
                raise UnknownExecution(f"cannot abandon execution {id!r}", "there is none")
            if found.status.finished or found.status is ExecutionStatus.RUNNING:
                raise SagaError(f"cannot abandon execution {id!r}", f"it is {found.status}, not being undone")
            left = tuple(r.name for r in found.steps if r.status not in {StepStatus.PENDING, StepStatus.UNDONE})
            journal = self._journal(found, held)
            text = f"given up by an operator; not undone: {', '.join(left)}"
            await journal.finish(ExecutionStatus.ABANDONED, journal.event(EventKind.ABANDONED, text))
            return left

    async def execution(self, id: str) -> Execution | None:
        """The execution of that id, or None."""
        entity = await self._store.get(Execution, id)
        return entity.value if entity else None

    @asynccontextmanager
    async def _owning(self, id: str) -> AsyncIterator[Held]:
        """Hold the lease of an execution; while another process has it, show what that one does."""
        if id in _mine.get():
            raise SagaError(f"cannot run {id}", "one of its own steps asks for it, and would wait for ever")
        key = f"execution/{id}"
        token = _mine.set(_mine.get() | {id})
        try:
            if not await self._leases.is_held(key):
                async with self._leases.hold(key) as held:
                    yield held
                    return
            async with following(self._store, id, self._sink) as stop, self._leases.hold(key) as held:
                await stop()
                yield held
        finally:
            _mine.reset(token)

    async def _load(self, id: str, held: Held) -> Execution | None:
        def decide(tx: Transaction) -> Execution | None:
            held.check(tx)
            entity = tx.get(Execution, id)
            return entity.value if entity else None

        return await self._store.transact(decide)

    async def _begin(self, id: str, saga: Saga[Any], subject: dict[str, str]) -> Execution:
        if saga.missing:
            raise SagaDefinitionError(f"cannot run saga {saga.name}", f"its input {saga.missing[0]!r} has no value")
        execution = Execution(
            id,
            saga.name,
            saga.version,
            ExecutionStatus.RUNNING,
            tuple(StepRecord(name) for name in saga.step_names),
            inputs=saga.values,
            subject=subject,
            created=self._clock.now(),
        )
        return await self._store.transact(lambda tx: tx.create(id, execution).value)

    def _journal(self, execution: Execution, held: Held) -> Journal:
        return Journal(self._store, self._clock, self._sink, held, execution)

    def _runner(self, execution: Execution, saga: Saga[Any], held: Held) -> Runner:
        fitting = reshaped(execution, saga)
        journal = self._journal(fitting, held)

        async def own(progress: Callable[[str], None]) -> Mapping[str, Any]:
            sagas = Nested(self, execution.subject)
            return {**await self._resources(execution.subject), "sagas": sagas, "progress": progress}

        return Runner(saga, journal, self._clock, own, changed=fitting is not execution)


class Nested:
    """What a step receives as `sagas`: executions of their own, which undoing the step's does not undo."""

    def __init__(self, engine: Engine, subject: Mapping[str, str]) -> None:
        self._engine = engine
        self._subject = subject

    async def ensure(
        self,
        id: str,
        saga: Saga[Any],
        inputs: Mapping[str, Any] | None = None,
        subject: Mapping[str, str] | None = None,
    ) -> Any:
        """Join, resume or start the execution of that id and return its result; see Engine.ensure."""
        return await self._engine.ensure(id, saga, inputs, self._subject if subject is None else subject)

    async def undo(self, id: str, saga: Saga[Any], *, completed: bool = True) -> None:
        """Undo the execution of that id, whatever its state; see Engine.undo."""
        await self._engine.undo(id, saga, completed=completed)


def _nobody(_event: Event) -> None:
    """Nobody listens."""


def _outcome(saga: Saga[Any], execution: Execution) -> Any:
    match execution.status:
        case ExecutionStatus.COMPLETED:
            return result_of(saga, execution)
        case ExecutionStatus.BLOCKED:
            raise _blocked(execution)
        case _:
            failed = next((r for r in execution.steps if r.error and not r.error.startswith("undo: ")), None)
            name = failed.name if failed else ""
            title = next((s.title for s in saga.steps if s.name == name), execution.saga)
            raise SagaFailed(
                title,
                execution.error,
                saga=execution.saga,
                step=name,
                reason=execution.error,
                transient=execution.transient,
            )


def _blocked(execution: Execution) -> SagaBlocked:
    stuck = next((r for r in execution.steps if r.error.startswith("undo: ")), None)
    found = f"step {stuck.name}: {stuck.error}" if stuck else execution.error
    advice = f"addonkit saga retry {execution.id} tries again, addonkit saga abandon {execution.id} gives up"
    return SagaBlocked(f"undoing {execution.saga}", found, advice, execution=execution.id)
