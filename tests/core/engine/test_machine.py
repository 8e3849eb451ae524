"""Whatever fails or dies, and whenever: an effect is kept by a completed execution or undone by a failed one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection, Coroutine, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from addonkit.engine import failpoints
from addonkit.engine.engine import Engine
from addonkit.errors import AddonkitError
from addonkit.models.execution import Execution, ExecutionStatus, StepStatus
from addonkit.models.lease import Lease
from addonkit.saga.saga import Saga
from addonkit.saga.step import Retry, Step, step
from addonkit.store.codec import Codec
from addonkit.store.interface import Store
from addonkit.store.leases import Leases
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.clock import FakeClock

NAMES = ("a", "b", "c", "d")
IDS = ("x", "y")
POINTS = ("before", "after", "journal", "undo", "within", "within undo")


class Crash(BaseException):
    """The process dies here."""


@attrs.define
class Outside:
    """Effects that steps leave in the world, by execution and step, and what is to go wrong next.

    Attributes:
        effects: what is there.
        failing: steps that fail after their effect; `failing_undo` likewise before it is gone.
        flaky: steps whose next run fails with a fault that passes.
        dying: where the process dies, as `within:a`.
        ran: runs of steps; `undos` runs of undos and whether they worked.
        die: ends the process.
    """

    effects: set[tuple[str, str]] = attrs.field(factory=set)
    failing: set[str] = attrs.field(factory=set)
    failing_undo: set[str] = attrs.field(factory=set)
    flaky: set[str] = attrs.field(factory=set)
    dying: str = ""
    ran: list[tuple[str, str]] = attrs.field(factory=list)
    undos: list[tuple[str, str, bool]] = attrs.field(factory=list)
    die: Any = None

    def pass_point(self, point: str) -> None:
        if self.dying == point:
            self.die()


def a_step(name: str, before: str | None) -> Step:
    """A step that gives `<name>_output` and, so that there is an order of keys, takes the one before."""

    async def run(framework: Outside, execution: str, **outputs: str) -> str:
        assert outputs == ({f"{before}_output": f"made {before}"} if before else {})
        framework.ran.append((execution, name))
        framework.effects.add((execution, name))
        framework.pass_point(f"within:{name}")
        if name in framework.flaky:
            framework.flaky.discard(name)
            raise ConnectionResetError(name)
        if name in framework.failing:
            raise ValueError(name)
        return f"made {name}"

    async def back(framework: Outside, execution: str) -> None:
        framework.pass_point(f"within undo:{name}")
        works = name not in framework.failing_undo
        framework.undos.append((execution, name, works))
        if not works:
            raise ValueError(f"undo {name}")
        framework.effects.discard((execution, name))

    return step(gives=f"{name}_output", undo=back, retry=Retry(attempts=2))(_named(run, name, before))


def _named(run: Any, name: str, before: str | None) -> Any:
    """The function with the name and parameters of this very step."""
    taken = f", {before}_output: str" if before else ""
    passed = f", {before}_output={before}_output" if before else ""
    source = (
        f"async def {name}(framework, execution{taken}) -> str:\n    return await run(framework, execution{passed})"
    )
    scope = {"run": run}
    exec(source, scope)
    return scope[name]


SAGA: Saga[None] = Saga(
    "machine.saga",
    inputs=("execution",),
    steps=[a_step(name, before) for before, name in pairwise((None, *NAMES))],  # type: ignore[arg-type]
)


class MortalLeases(Leases):
    """A dead process gives nothing back."""

    def __init__(self, store: Store, clock: FakeClock, owner: str, dead: set[str]) -> None:
        super().__init__(store, clock, owner, lambda who: who not in dead)
        self._dead = dead

    async def give_back(self, lease: Lease) -> bool:
        return self.owner not in self._dead and await super().give_back(lease)


class SagaMachine(RuleBasedStateMachine):
    """Rules are synchronous; the machine owns the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.store = self.open()
        self.dead: set[str] = set()
        self.process = 0
        self.journaled: set[tuple[str, str]] = set()
        self.outside = Outside(die=self.die)

    def open(self) -> Store:
        return MemoryStore(Codec(Sealer(bytes(32))), self.clock)

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.runner.run(self.store.close())
            self.runner.close()

    def die(self) -> None:
        self.dead.add(f"p{self.process}")
        raise Crash

    def engine(self) -> Engine:
        async def resources(_subject: Mapping[str, str], _names: Collection[str]) -> Mapping[str, Any]:
            return {"framework": self.outside}

        leases = MortalLeases(self.store, self.clock, f"p{self.process}", self.dead)
        return Engine(self.store, leases, self.clock, resources)

    def drive(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run until it ends, fails or dies; a dead process is succeeded by another one."""
        ran, undos = len(self.outside.ran), len(self.outside.undos)
        try:
            self.runner.run(work)
        except AddonkitError:
            pass
        except Crash:
            self.process += 1
        assert not set(self.outside.ran[ran:]) & self.journaled, "a journaled step ran again"
        for id in IDS:
            check_order([(name, works) for owner, name, works in self.outside.undos[undos:] if owner == id])

    @rule(
        id=st.sampled_from(IDS), fail=st.sets(st.sampled_from(NAMES), max_size=1), flaky=st.sets(st.sampled_from(NAMES))
    )
    def run(self, id: str, fail: set[str], flaky: set[str]) -> None:
        self.outside.failing, self.outside.flaky = fail, flaky
        self.drive(self.engine().ensure(id, SAGA, {"execution": id}))

    @rule(
        id=st.sampled_from(IDS),
        point=st.sampled_from(POINTS),
        name=st.sampled_from(NAMES),
        fail=st.sets(st.sampled_from(NAMES), max_size=1),
        undo=st.booleans(),
    )
    def run_and_die(self, id: str, point: str, name: str, fail: set[str], undo: bool) -> None:
        self.outside.failing, self.outside.dying = fail, f"{point}:{name}"
        engine = self.engine()
        with failpoints.at(f"{point}:{name}", self.die):
            self.drive(engine.undo(id, SAGA) if undo else engine.ensure(id, SAGA, {"execution": id}))
        self.outside.dying = ""

    @rule(id=st.sampled_from(IDS))
    def undo(self, id: str) -> None:
        self.drive(self.engine().undo(id, SAGA))

    @rule(id=st.sampled_from(IDS))
    def ask_to_stop(self, id: str) -> None:
        self.drive(self.engine().cancel(id))

    @rule(names=st.sets(st.sampled_from(NAMES), max_size=2))
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
        assert effects <= {record.name for record in execution.uncompensated}, "an effect the journal knows nothing of"
        for record in execution.steps:
            if record.status is StepStatus.DONE:
                self.journaled.add((execution.id, record.name))
                assert record.output == {f"{record.name}_output": f"made {record.name}"}

    def settle(self) -> None:
        """When nothing goes wrong any more, everything comes to an end."""
        self.outside.failing, self.outside.failing_undo, self.outside.flaky = set(), set(), set()
        for id in IDS:
            self.drive(self.engine().unblock(id))
            self.drive(self.engine().ensure(id, SAGA, {"execution": id}))
            execution = self.runner.run(self.engine().execution(id))
            assert execution.status.finished
        self.every_effect_has_an_answer()


class SqliteSagaMachine(SagaMachine):
    """The same on a file."""

    def open(self) -> Store:
        base = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self.directory = tempfile.TemporaryDirectory(dir=base)
        path = Path(self.directory.name) / "state.db"
        return self.runner.run(SqliteStore.open(path, Codec(Sealer(bytes(32))), self.clock))

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.directory.cleanup()


def check_order(undos: list[tuple[str, bool]]) -> None:
    """Undos run in reverse; another round begins only after one in which something could not be undone."""
    failed = False
    for (before, worked), (name, _) in pairwise(undos):
        failed = failed or not worked
        if name >= before:
            assert failed, f"{name} was undone after {before}"
            failed = False


def test_every_effect_is_kept_or_undone_whatever_happens() -> None:
    run_state_machine_as_test(SagaMachine, settings=settings(stateful_step_count=20))


def test_every_effect_is_kept_or_undone_on_a_real_file_too() -> None:
    run_state_machine_as_test(SqliteSagaMachine, settings=settings(max_examples=8, stateful_step_count=10))


@pytest.mark.parametrize("undos", [[("a", True), ("b", True)], [("b", False), ("a", True), ("b", True), ("b", True)]])
def test_the_order_of_undos_is_really_checked(undos: list[tuple[str, bool]]) -> None:
    with pytest.raises(AssertionError):
        check_order(undos)
