"""Whatever fails or dies, and whenever: an effect is kept by a completed execution or undone by a failed one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from addonkit.errors import AddonkitError
from addonkit.models.execution import Execution, ExecutionStatus, StepStatus
from addonkit.saga import faults
from addonkit.saga.definition import Retry, Saga, Step, step
from addonkit.saga.engine import Engine
from addonkit.store.codec import Codec
from addonkit.store.leases import Leases
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.testing.clock import FakeClock

NAMES = ("a", "b", "c", "d")
IDS = ("x", "y")


class Crash(BaseException):
    """The process dies here."""


@attrs.define
class Outside:
    """Effects that steps leave in the world, by execution and step, and what is to go wrong next."""

    effects: set[tuple[str, str]] = attrs.field(factory=set)
    failing: set[str] = attrs.field(factory=set)
    failing_undo: set[str] = attrs.field(factory=set)
    ran: list[tuple[str, str]] = attrs.field(factory=list)
    undone: list[tuple[str, str]] = attrs.field(factory=list)


def a_step(name: str) -> Step:
    async def run(framework: Outside, execution: str) -> str:
        framework.ran.append((execution, name))
        framework.effects.add((execution, name))
        if name in framework.failing:
            raise ValueError(name)
        return f"made {name}"

    async def back(framework: Outside, execution: str) -> None:
        if name in framework.failing_undo:
            raise ValueError(f"undo {name}")
        framework.effects.discard((execution, name))
        framework.undone.append((execution, name))

    run.__name__ = name
    return step(gives=f"{name}_output", undo=back, retry=Retry(attempts=1))(run)


SAGA: Saga[None] = Saga("machine.saga", inputs=("execution",), steps=[a_step(name) for name in NAMES])


class SagaMachine(RuleBasedStateMachine):
    """Rules are synchronous; the machine owns the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.store = MemoryStore(Codec(Sealer(bytes(32))), self.clock)
        self.outside = Outside()
        self.dead: set[str] = set()
        self.process = 0
        self.journaled: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        self.runner.close()

    def engine(self) -> Engine:
        async def resources(_subject: Mapping[str, str]) -> Mapping[str, Any]:
            return {"framework": self.outside}

        leases = Leases(self.store, self.clock, f"p{self.process}", lambda who: who not in self.dead)
        return Engine(self.store, leases, self.clock, resources)

    def drive(self, work: Any) -> None:
        """Run until it ends, fails or dies; a dead process is succeeded by another one."""
        try:
            self.runner.run(work)
        except AddonkitError:
            pass
        except Crash:
            self.dead.add(f"p{self.process}")
            self.process += 1

    @rule(id=st.sampled_from(IDS), fail=st.sets(st.sampled_from(NAMES), max_size=1))
    def run(self, id: str, fail: set[str]) -> None:
        self.outside.failing = fail
        before = len(self.outside.ran)
        self.drive(self.engine().ensure(id, SAGA, {"execution": id}))
        assert not set(self.outside.ran[before:]) & self.journaled, "a journaled step ran again"

    @rule(
        id=st.sampled_from(IDS),
        point=st.sampled_from(["before", "after", "journal", "undo"]),
        name=st.sampled_from(NAMES),
        fail=st.sets(st.sampled_from(NAMES), max_size=1),
    )
    def die(self, id: str, point: str, name: str, fail: set[str]) -> None:
        self.outside.failing = fail

        def crash() -> None:
            raise Crash

        with faults.at(f"{point}:{name}", crash):
            self.drive(self.engine().ensure(id, SAGA, {"execution": id}))

    @rule(id=st.sampled_from(IDS))
    def undo(self, id: str) -> None:
        self.drive(self.engine().undo(id, SAGA))

    @rule(id=st.sampled_from(IDS))
    def ask_to_stop(self, id: str) -> None:
        self.drive(self.engine().cancel(id))

    @rule(names=st.sets(st.sampled_from(NAMES), max_size=1))
    def break_undo(self, names: set[str]) -> None:
        self.outside.failing_undo = names

    @precondition(lambda self: self.outside.failing_undo)
    @rule(id=st.sampled_from(IDS))
    def mend_and_unblock(self, id: str) -> None:
        self.outside.failing_undo = set()
        self.drive(self.engine().unblock(id))

    @invariant()
    def every_effect_has_an_answer(self) -> None:
        for id in IDS:
            execution = self.runner.run(self.engine().execution(id))
            if execution is not None:
                self.check(execution, {name for owner, name in self.outside.effects if owner == id})

    def check(self, execution: Execution, effects: set[str]) -> None:
        if execution.status is ExecutionStatus.COMPLETED:
            assert effects == set(NAMES), "a completed execution keeps all its effects"
        if execution.status is ExecutionStatus.FAILED:
            assert effects == set(), "a failed execution has undone everything"
        open_steps = {r.name for r in execution.steps if r.status not in {StepStatus.PENDING, StepStatus.UNDONE}}
        assert effects <= open_steps, "an effect that the journal knows nothing of"
        for record in execution.steps:
            if record.status is StepStatus.DONE:
                self.journaled.add((execution.id, record.name))
                assert record.output == {f"{record.name}_output": f"made {record.name}"}


def test_every_effect_is_kept_or_undone_whatever_happens() -> None:
    run_state_machine_as_test(SagaMachine, settings=settings(stateful_step_count=20))
