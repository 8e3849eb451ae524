"""Whatever fails below, operations end in what was asked for, or in nothing, or in something that can be retried."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from faulty_backend import KINDS, Fault, FaultyBackend, Machine, addon
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import addonkit
from addonkit import AddonkitError, Phase, Retry
from addonkit.engine import compensation
from addonkit.util.clock import SystemClock

APPS = ("shop", "blog", "shop-2")
VERBS = ("ensure_disk", "delete_disk", "place", "ensure_running", "remove", "create_tenant", "remove_tenant")


class QuickClock(SystemClock):
    """The machine's clock for a test that does not wait between tries."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.0005))


class Operations(RuleBasedStateMachine):
    """Operations of users against a model: which instances there are, and which apps they are tied to."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="operations-"))
        self.machine = Machine()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.numbers = itertools.count(1)
        self.ties: dict[str, set[str]] = {}
        """What is certain: instance to apps."""
        self.uncertain: set[str] = set()
        """Instances of operations that failed."""
        self.kit = self.run(self.open())

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def open(self) -> addonkit.Kit:
        registry = addonkit.Registry()
        registry.register(addon(self.machine), "kv")
        backend: Any = FaultyBackend(self.machine)
        opened = addonkit.open(self.home, registry=registry, backend=backend, clock=QuickClock(), environ={})
        return await self.stack.enter_async_context(opened)

    def reopen(self) -> None:
        self.run(self.stack.aclose())
        self.stack = AsyncExitStack()
        self.kit = self.run(self.open())

    def attempt(self, name: str, work: Any) -> bool:
        """Whether an operation succeeded; it may fail only when a fault was raised meanwhile."""
        before = self.machine.raised
        try:
            self.run(work)
        except AddonkitError:
            assert self.machine.raised > before, "it failed although nothing went wrong"
            self.uncertain.add(name)
            self.ties.pop(name, None)
            return False
        return True

    @rule(verb=st.sampled_from(VERBS), after=st.booleans(), kind=st.sampled_from(KINDS), count=st.integers(1, 7))
    def something_will_fail(self, verb: str, after: bool, kind: str, count: int) -> None:
        self.machine.faults.append(Fault(verb, after, kind, count))

    @rule()
    def nothing_fails_any_more(self) -> None:
        self.machine.faults.clear()

    @rule(app=st.sampled_from(APPS), variant=st.sampled_from(["small", "shared"]))
    def create(self, app: str, variant: str) -> None:
        alias = f"n{next(self.numbers)}"
        name = f"{app}-{alias}"
        if self.attempt(name, self.kit.create(f"kv:{variant}", app, alias=alias)):
            self.ties[name] = {app}

    @precondition(lambda self: self.ties)
    @rule(data=st.data(), app=st.sampled_from(APPS))
    def attach(self, data: st.DataObject, app: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.ties)))
        if app in self.ties[name]:
            return
        if self.attempt(name, self.kit.attach(name, app, alias=f"a{next(self.numbers)}")):
            self.ties[name].add(app)

    @precondition(lambda self: any(self.ties.values()))
    @rule(data=st.data())
    def detach(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(name for name, apps in self.ties.items() if apps)))
        app = data.draw(st.sampled_from(sorted(self.ties[name])))
        if self.attempt(name, self.kit.detach(name, app)):
            self.ties[name].discard(app)

    @precondition(lambda self: self.ties or self.uncertain)
    @rule(data=st.data())
    def destroy(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted({*self.ties, *self.uncertain})))
        if name in self.uncertain and not self.exists(name):
            self.uncertain.discard(name)
            return
        if self.attempt(name, self.kit.destroy(name)):
            self.ties.pop(name, None)
            self.uncertain.discard(name)

    @rule()
    def the_process_ends_and_another_one_begins(self) -> None:
        self.reopen()

    @precondition(lambda self: self.uncertain)
    @rule(data=st.data())
    def retry_where_nothing_fails_any_more(self, data: st.DataObject) -> None:
        self.machine.faults.clear()
        name = data.draw(st.sampled_from(sorted(self.uncertain)))
        if not self.exists(name):
            self.uncertain.discard(name)
            return
        self.run(self.kit.heal())
        self.run(self.kit.retry(name))
        self.uncertain.discard(name)
        if self.exists(name):
            view = self.run(self.kit.show(name))
            assert view.instance.phase is Phase.ACTIVE, f"{name} is {view.instance.phase} after a retry"
            self.ties[name] = {each.app for each in view.associations}

    def exists(self, name: str) -> bool:
        return name in {view.instance.name for view in self.run(self.kit.instances())}

    @invariant()
    def what_is_certain_is_there(self) -> None:
        views = {view.instance.name: view for view in self.run(self.kit.instances())}
        assert set(self.ties) <= set(views) <= {*self.ties, *self.uncertain}
        for name, apps in self.ties.items():
            view = views[name]
            assert view.instance.phase is Phase.ACTIVE, f"{name} is {view.instance.phase}"
            assert {tie.app for tie in view.associations} == apps
            assert view.instance.id in self.machine.disks[view.instance.server].values(), f"{name} has lost its data"

    @invariant()
    def apps_receive_what_they_are_tied_to_and_nothing_else(self) -> None:
        for app in APPS:
            if not any(app in apps for apps in self.ties.values()):
                continue
            sources = {line.source for line in self.run(self.kit.environment(app)).entries}
            certain = {name for name, apps in self.ties.items() if app in apps}
            assert certain <= sources <= {*certain, *self.uncertain}

    def teardown(self) -> None:
        try:
            self.machine.faults.clear()
            self.reopen()
            for view in self.run(self.kit.instances()):
                self.run(self.kit.destroy(view.instance.name))
            assert (self.machine.disks, self.machine.running) == ({}, set()), "something is left"
        finally:
            self.run(self.stack.aclose())
            self.runner.close()
            shutil.rmtree(self.home)


@pytest.fixture(autouse=True)
def _rounds_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compensation, "ROUNDS", Retry(attempts=2, first_delay=0))


@pytest.mark.timeout(600)
class TestOperations(Operations.TestCase):  # type: ignore[valid-type, misc] # Hypothesis makes it
    settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
