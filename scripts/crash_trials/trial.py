"""One trial: interrupt a command, do what a user would do next, and look what is there."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any, Final

import attrs

from addonkit.testing.command import Ended
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.home import left_behind, server_processes
from crash_trials.cells import Cell, Operation, Then, Way

SHOP, GUEST, RESIDENT = "shop", "guest", "resident"

INTACT: Final = "active, data intact"
NOTHING: Final = "nothing left"
PASSED: Final = "not reached"

_TIMES: Final = 10
_OF_OTHERS: Final = frozenset({"broken-addon", "addon-not-installed"})


class Wrong(Exception):
    """A trial broke a promise."""


@attrs.frozen
class Trial:
    """Works on the home of a rig, which is as it was afterwards."""

    rig: Rig
    cell: Cell
    guests: dict[str, str] = attrs.field(factory=dict, kw_only=True)
    """What the guest received before it was detached."""

    async def run(self) -> str:
        """Do it; what came of it.

        Raises:
            Wrong: something is lost, left, or does not go on.
        """
        if self.cell.resident:
            await self._create(RESIDENT)
        before = self._all()
        await self._prepare()
        if not self._interrupt():
            await self._remove_all(before)
            return PASSED
        outcome = await self._go_on()
        await self._remove_all(before)
        return outcome

    async def _prepare(self) -> None:
        if self.cell.operation is Operation.PROVISION:
            return
        await self._create(SHOP)
        await self._write(SHOP, "kept")
        if self.cell.operation is Operation.UNBIND:
            self._must(*self._words(Operation.BIND))
            self.guests.update(await self._environment(GUEST))
            await self.rig.expect(self.guests, "kept", str(self.cell))

    def _interrupt(self) -> bool:
        """Return whether the command died where it should."""
        words = self._words(self.cell.operation)
        if self.rig.command(*words, ADDONKIT_FAULT=self.cell.fault).status != -signal.SIGKILL:
            return False
        if self.cell.way is Way.TEN_TIMES:
            for _ in range(_TIMES - 1):
                if self.rig.command(*words, ADDONKIT_FAULT=self.cell.fault).status != -signal.SIGKILL:
                    break
        if self.cell.way is Way.SERVER:
            kill_servers_of(self.rig)
        return True

    async def _go_on(self) -> str:
        match self.cell.operation, self.cell.then:
            case Operation.PROVISION, Then.CONTINUE:
                self._complete()
                await self._write(SHOP, "works")
                return INTACT
            case Operation.PROVISION, Then.GIVE_UP:
                return NOTHING
            case Operation.BIND, Then.CONTINUE:
                self._complete()
                await self._expect(GUEST, "kept")
            case Operation.BIND, Then.GIVE_UP:
                if self._is_attached():
                    self._must(*self._words(Operation.UNBIND))
            case Operation.UNBIND, _:
                if self._is_attached():
                    self._must(*self._words(Operation.UNBIND))
                await self._expect_ended(self.guests)
            case _:
                if self._is_there(SHOP):
                    self._complete()
                return NOTHING
        await self._expect(SHOP, "kept")
        return INTACT

    def _complete(self) -> None:
        """Run the command again, twice where the first completes an undo that the trial asked for."""
        words = self._words(self.cell.operation)
        ended = self.rig.command(*words)
        if ended.status and "undo:" in self.cell.fault:
            ended = self.rig.command(*words)
        # One that came to its end all the same, before it was killed or in spite of that, has nothing left to do.
        if ended.status and " already" not in ended.err:
            raise Wrong(f"`{' '.join(words)}` failed: {ended.err.splitlines()[-1]}")

    async def _remove_all(self, before: frozenset[str]) -> None:
        if self._is_there(SHOP):
            self._must("destroy", self.rig.name(SHOP), "--yes")
        if self.cell.resident:
            await self._expect(RESIDENT, "at home")
        async with self.rig.kit() as kit:
            findings = [each for each in await kit.doctor() if each.kind not in _OF_OTHERS]
        if findings:
            raise Wrong(f"doctor finds {'; '.join(f'{each.kind} {each.subject}: {each.problem}' for each in findings)}")
        if self._all() != before:
            raise Wrong(f"left or gone: {', '.join(sorted(self._all() ^ before))}")

    async def _create(self, app: str) -> None:
        if self._is_there(app):
            return
        self._must("create", self.rig.spec(self.cell.variant), "-a", self.rig.app(app))
        if app == RESIDENT:
            await self._write(app, "at home")

    async def _write(self, app: str, value: str) -> None:
        await self.rig.write(await self._environment(app), value)
        await self._expect(app, value)

    async def _expect(self, app: str, value: str) -> None:
        await self.rig.expect(await self._environment(app), value, str(self.cell))

    async def _expect_ended(self, credentials: dict[str, str]) -> None:
        """Check that credentials of a detached app end, unless they are those of the instance itself."""
        mine = set((await self._environment(SHOP)).values())
        if set(credentials.values()) <= mine or await self.rig.is_refused(credentials, "kept"):
            return
        raise Wrong("the credentials of a detached app still work")

    async def _environment(self, app: str) -> dict[str, str]:
        async with self.rig.kit() as kit:
            await kit.heal(self.rig.app(app))
            return await self.rig.environment(kit, app)

    def _words(self, operation: Operation) -> tuple[str, ...]:
        name = self.rig.name(SHOP)
        match operation:
            case Operation.PROVISION:
                return ("create", self.rig.spec(self.cell.variant), "-a", self.rig.app(SHOP))
            case Operation.BIND:
                return ("attach", name, "-a", self.rig.app(GUEST))
            case Operation.UNBIND:
                return ("detach", name, "-a", self.rig.app(GUEST))
            case Operation.DEPROVISION:
                return ("destroy", name, "--yes")

    def _must(self, *words: str) -> Ended:
        ended = self.rig.command(*words)
        if ended.status:
            raise Wrong(f"`{' '.join(words)}` failed: {ended.err.splitlines()[-1] if ended.err else ended.status}")
        return ended

    def _is_there(self, app: str) -> bool:
        return self.rig.name(app) in {each["name"] for each in self._list()}

    def _is_attached(self) -> bool:
        found = [each for each in self._list() if each["name"] == self.rig.name(SHOP)]
        return any(tie["app"] == self.rig.app(GUEST) for each in found for tie in each["apps"])

    def _list(self) -> list[dict[str, Any]]:
        instances: list[dict[str, Any]] = self._must("list", "--json").data["instances"]
        return instances

    def _all(self) -> frozenset[str]:
        """Return everything of the home and of the service that a trial must leave as it was."""
        return frozenset({*left_behind(self.rig.home), *self.rig.remains()})


def kill_servers_of(rig: Rig) -> None:
    """Kill all servers of a home at once, as when a machine goes down."""
    for pid in server_processes(rig.home):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
