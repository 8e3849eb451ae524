"""Makes sure that executions come to their end: starts, joins, resumes and undoes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.engine.arguments import ChildSagas
from addonkit.engine.beginning import Beginning, Begun, reshaped
from addonkit.engine.cancellation import CancellationWatch, StopSignal, request_cancellation
from addonkit.engine.events import EventPublisher, Sink, following
from addonkit.engine.failure import mentions
from addonkit.engine.invoker import Resources, StepInvoker
from addonkit.engine.journal import Journal
from addonkit.engine.outcome import blocked, outcome
from addonkit.engine.runner import Conclusion, Runner
from addonkit.errors import Busy, SagaError, UnknownExecution
from addonkit.models.execution import Event, EventKind, Execution, ExecutionStatus
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Entity, Store, Transaction
    from addonkit.store.leases import LeaseHandle, Leases, Within
    from addonkit.util.clock import Clock


_FRUITLESS: Final = frozenset({ExecutionStatus.FAILED, ExecutionStatus.ABANDONED})


@frozen
class _Ended:
    """An execution at its end.

    Attributes:
        execution: as it is then.
        cause: what made it fail here and now, unless that shows a secret.
        concluded: whether what was asked for with its end was written with it.
    """

    execution: Execution
    cause: Exception | None = None
    concluded: bool = False


class Engine:
    """Runs sagas durably.

    An exception that is not an `Exception` (a cancelled task, Ctrl-C) leaves an execution as it is. Its lease is
    free: the next request resumes it. So does a store that fails.

    Args:
        store: where executions are journaled.
        leases: say which process runs an execution.
        clock: gives times, waits for retries.
        resources: asked before each try of a step or undo.
        sink: told every event once after it was journaled. That includes executions of another process while this
            one waits for them. One that raises is logged and changes nothing.
    """

    def __init__(
        self, store: Store, leases: Leases, clock: Clock, resources: Resources, sink: Sink | None = None
    ) -> None:
        self._store = store
        self._leases = leases
        self._clock = clock
        self._resources = resources
        self._publisher = EventPublisher(sink or _ignore)
        self._cancellations = CancellationWatch(store)
        self._within: frozenset[str] = frozenset()

    async def ensure(
        self,
        id: str,
        saga: Saga[Any],
        inputs: Mapping[str, Any] | None = None,
        subject: Mapping[str, str] | None = None,
        *,
        again: bool = False,
        conclude: Conclusion | None = None,
    ) -> Any:
        """Return the result of the execution of that id: started, joined, resumed, or looked up.

        Args:
            id: derived from what it serves, so that a second request finds the first.
            saga: what it runs. The inputs of an execution that exists already are those it began with.
            inputs: values for inputs that are not bound.
            subject: entity ids by role, see Execution.
            again: one that failed, or was given up, is forgotten and begun anew; otherwise it stays what it came to.
            conclude: called with the result once it is completed, in the transaction that journals this where it is
                completed here. When it raises, nothing of that transaction is written.

        Raises:
            SagaFailed: a step failed and everything is undone. What the step raised is the cause, when it happened
                in this call and its text holds no secret.
            SagaBlocked: an undo keeps failing.
            SagaRefused: the execution has another shape; nothing was run.
            SagaDefinitionError: inputs are missing, or are not JSON values and Secrets.
            SagaError: one of the execution's own steps asks for it.
            LeaseLost: another process has taken over; nothing more was touched.
        """
        fruitless = _FRUITLESS if again else frozenset()
        beginning = Beginning(id, saga.bind(**(inputs or {})), dict(subject or {}), self._clock, fruitless)
        found = await self.execution(id)
        if found is not None and found.status in fruitless:
            found = None
        if found is not None and found.status.finished:
            ended = _Ended(found)
        else:
            ended = await self._bring_to_end(beginning, found, conclude)
        result = outcome(beginning.saga, ended.execution, ended.cause)
        if conclude is not None and not ended.concluded:
            await self._store.transact(lambda tx: conclude(tx, result))
        return result

    async def undo(self, id: str, saga: Saga[Any], *, completed: bool = True) -> None:
        """Undo the execution of that id, whatever its state. None, and one undone already, is success.

        Who runs it meanwhile is asked to stop and waited for; the step that runs is cancelled and undone too.

        Args:
            id: of the execution.
            saga: what it ran.
            completed: whether one that was completed is undone too.

        Raises:
            SagaBlocked: an undo keeps failing.
            SagaRefused: the execution has another shape; nothing was run.
        """
        over = _FRUITLESS if completed else _FRUITLESS | {ExecutionStatus.COMPLETED}
        self._refuse_own(id)
        found = await self.cancel(id)
        if found is None or found.status in over:
            return
        async with self._owning(id, found) as held:
            entity = await self._load(id, held)
            if entity is None or entity.value.status in over:
                return
            runner = await self._runner(Begun(entity), saga, held, StopSignal())
            found = await runner.undo()
        if found.status is ExecutionStatus.BLOCKED:
            raise blocked(found)

    async def cancel(self, id: str) -> Execution | None:
        """Ask the process that runs the execution, now or later, to stop and undo it; a running step is cancelled.

        Returns:
            The execution as it is now; unchanged when it is not running. None when there is none.
        """

        def decide(tx: Transaction) -> Execution | None:
            entity = tx.get(Execution, id)
            if entity is None or not _may_be_cancelled(entity.value):
                return entity.value if entity else None
            request_cancellation(tx, id)
            return tx.put(entity, attrs.evolve(entity.value, cancel=True)).value

        found = await self.execution(id)
        return await self._store.transact(decide) if found is not None and _may_be_cancelled(found) else found

    async def unblock(self, id: str) -> None:
        """Let the next request undo a blocked execution again. Does nothing if it is not blocked."""

        def change(now: Execution) -> Execution:
            if now.status is not ExecutionStatus.BLOCKED:
                return now
            return attrs.evolve(now, status=ExecutionStatus.UNDOING, undo_rounds=0, undo_at=None)

        async with self._owning(id, await self.execution(id)) as held:
            entity = await self._load(id, held)
            if entity is not None:
                await self._journal(entity, held).write(change)

    async def abandon(self, id: str, *, reason: str = "") -> tuple[str, ...]:
        """Give up an execution that has not come to an end: nothing more is run or undone.

        `reason` is what its last event says, instead of what stays.

        Returns:
            The names of the steps that stay uncompensated.

        Raises:
            UnknownExecution: there is none of that id.
            SagaError: it is finished.
            Busy: another process works on it.
        """
        attempted = f"cannot abandon execution {id!r}"
        async with self._owning(id, await self.execution(id), wait=0) as held:
            entity = await self._load(id, held)
            if entity is None:
                raise UnknownExecution(attempted, "there is none", "see `addonkit saga list`")
            found = entity.value
            if found.status.finished:
                raise SagaError(attempted, f"it is {found.status}")
            left = tuple(record.name for record in found.uncompensated)
            journal = self._journal(entity, held)
            given_up = f"given up by an operator, not undone: {', '.join(left) or 'nothing'}"
            text = f"{found.saga}: {reason or given_up}"
            await journal.finish(ExecutionStatus.ABANDONED, journal.event(EventKind.ABANDONED, text))
            return left

    async def execution(self, id: str) -> Execution | None:
        """Return the execution of that id, or None."""
        entity = await self._store.get(Execution, id)
        return entity.value if entity else None

    @asynccontextmanager
    async def _owning(
        self, id: str, seen: Execution | None, *, wait: float | None = None, within: Within | None = None
    ) -> AsyncIterator[LeaseHandle]:
        """Hold the lease of an execution; while another one has it, tell what that one does.

        Args:
            id: of the execution.
            seen: as it was read last; later events are published.
            wait: see Leases.hold.
            within: see Leases.hold.
        """
        self._refuse_own(id)
        async with AsyncExitStack() as stack:
            stack.enter_context(self._publisher.listening(id, seen))
            key = f"execution/{id}"
            try:
                held = await stack.enter_async_context(self._leases.hold(key, wait=0, within=within))
            except Busy:
                if wait == 0:
                    raise
                async with following(self._store, id, self._publisher):
                    held = await stack.enter_async_context(self._leases.hold(key, wait=wait, within=within))
            yield held

    def _refuse_own(self, id: str) -> None:
        if id in self._within:
            raise SagaError(f"cannot run {id}", "one of its own steps asks for it, and would wait for ever")

    async def _load(self, id: str, held: LeaseHandle) -> Entity[Execution] | None:
        def decide(tx: Transaction) -> Entity[Execution] | None:
            held.check(tx)
            return tx.get(Execution, id)

        return await self._store.transact(decide)

    async def _bring_to_end(self, beginning: Beginning, seen: Execution | None, conclude: Conclusion | None) -> _Ended:
        """Begin, join or resume an execution, and run it to its end."""
        stop = StopSignal()
        within = partial(self._take_over, beginning, stop)
        async with (
            self._cancellations.watching(beginning.id, stop),
            self._owning(beginning.id, seen, within=within) as held,
        ):
            begun: Begun = held.found
            found = begun.entity.value
            self._publisher.publish(found)
            if found.status is ExecutionStatus.BLOCKED or found.status.finished:
                return _Ended(found)
            runner = await self._runner(begun, beginning.saga, held, stop, conclude)
            ended = await runner.run()
        shown = runner.cause is not None and not mentions(runner.cause, runner.hidden)
        return _Ended(ended, runner.cause if shown else None, ended.status is ExecutionStatus.COMPLETED)

    def _take_over(self, beginning: Beginning, stop: StopSignal, tx: Transaction) -> Begun:
        """Load the execution, or begin it, in the transaction that takes its lease."""
        self._cancellations.connect(beginning.id, stop)
        return beginning.load_or_begin(tx)

    def _journal(self, entity: Entity[Execution], held: LeaseHandle) -> Journal:
        return Journal(self._store, self._clock, self._publisher, held, entity)

    async def _runner(
        self,
        begun: Begun,
        saga: Saga[Any],
        held: LeaseHandle,
        stop: StopSignal,
        conclude: Conclusion | None = None,
    ) -> Runner:
        entity, execution = begun.entity, begun.entity.value
        fitting = execution if begun.step else reshaped(execution, saga)
        journal = self._journal(attrs.evolve(entity, value=fitting), held)
        if fitting is not execution:
            await journal.write(
                lambda now: attrs.evolve(now, version=fitting.version, steps=fitting.steps, inputs=fitting.inputs)
            )
        inside = copy(self)  # what its steps ask for must not wait for the execution itself
        inside._within = self._within | {execution.id}  # noqa: SLF001 - a copy of this very object
        invoker = StepInvoker(saga, journal, self._resources, ChildSagas(inside, execution.subject))
        return Runner(saga, journal, self._clock, invoker, stop, begun.step, conclude)


def _may_be_cancelled(execution: Execution) -> bool:
    return execution.status is ExecutionStatus.RUNNING and not execution.cancel


def _ignore(_event: Event) -> None:
    """Do nothing: this engine has no sink."""
