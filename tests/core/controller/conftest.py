"""A whole addonkit around an addon that keeps things in memory and fails when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

import addonkit
from addonkit import AddonDefinition, BindResult, Instance, ProvisionResult, Retry, Saga, VariantDefinition, hookimpl
from addonkit.engine import compensation
from addonkit.saga.step import Step, step
from addonkit.util.clock import SystemClock

Effect = tuple[str, str]
"""What a step left: the word for it, and the id of whom it serves."""


@attrs.define
class Attic:
    """The addon.

    Attributes:
        effects: what is there now.
        failing: words for steps, and undos (`undo make`), that fail.
        holding: the word for a step that does not end by itself; `entered` tells that it runs.
        unset: what its definition says of variables that must not survive.
    """

    effects: set[Effect] = attrs.field(factory=set)
    failing: set[str] = attrs.field(factory=set)
    holding: str = ""
    entered: asyncio.Event = attrs.field(factory=asyncio.Event)
    unset: tuple[str, ...] = ()

    def _step(self, word: str, serves: str, result: Any = None) -> Step:
        async def run(instance: Instance, association: Any) -> Any:
            await self._do(word, {"instance": instance, "association": association}[serves].id)
            return result

        async def back(instance: Instance, association: Any) -> None:
            if f"undo {word}" in self.failing:
                raise ValueError(f"{word} is stuck")
            self.effects.discard((word, {"instance": instance, "association": association}[serves].id))

        run.__name__ = word
        run.__annotations__["return"] = type(result)
        return step(gives="result" if result is not None else "", undo=back, retry=Retry(attempts=1))(run)

    async def _do(self, word: str, id: str) -> None:
        self.effects.add((word, id))
        if self.holding == word:
            self.entered.set()
            await asyncio.Event().wait()
        if word in self.failing:
            raise ValueError(f"{word} failed")

    def _removal(self, word: str, id: str) -> Step:
        @step(undo=None)
        async def remove() -> None:
            self.effects.discard((word, id))

        return remove

    @hookimpl
    def addon_definition(self) -> AddonDefinition:
        box = (VariantDefinition("box"),)
        return AddonDefinition("attic", "Attic", "Keeps things", "box", box, unset_variables=self.unset)

    @hookimpl
    def addon_provision(self) -> Saga[ProvisionResult]:
        last = self._step("finish", "instance", ProvisionResult())
        return Saga("attic.provision", steps=[self._step("make", "instance"), last])

    @hookimpl
    def addon_deprovision(self, instance: Instance) -> Saga[None]:
        return Saga("attic.deprovision", steps=[self._removal("make", instance.id)])

    @hookimpl
    def addon_bind(self) -> Saga[BindResult]:
        return Saga("attic.bind", steps=[self._step("bind", "association", BindResult())])

    @hookimpl
    def addon_unbind(self, association: Any) -> Saga[None]:
        return Saga("attic.unbind", steps=[self._removal("bind", association.id)])


class LaterClock(SystemClock):
    """The machine's clock, as much ahead as a test wants."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def attic() -> Attic:
    return Attic()


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
async def kit(
    home: Path, attic: Attic, clock: LaterClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[addonkit.Kit]:
    monkeypatch.setattr(compensation, "ROUNDS", Retry(attempts=2, first_delay=0))
    registry = addonkit.Registry()
    registry.register(attic, "attic")
    async with addonkit.open(home, registry=registry, clock=clock) as opened:
        yield opened
