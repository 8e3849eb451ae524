"""Many processes work on many apps of one home, some are killed: nothing may be lost, left, or wait for ever."""

from __future__ import annotations

import asyncio
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import asyncpg
import attrs
import valkey

from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind, temporary_home
from crash_trials.kills import run_and_kill

SPECS: Final = ("valkey:shared", "postgresql:shared", "valkey:shared", "postgresql:shared", "valkey:small")
LIMIT: Final = 240.0
"""Seconds after which a command is taken to wait for ever."""
KILLED: Final = 0.2
"""Share of the commands that are killed."""


@attrs.define
class Crowd:
    """The operations that processes do together.

    Attributes:
        command: the command line on their home.
        apps: names of the apps.
        dice: decides what is done.
        counts: what was done, and how it ended.
    """

    command: CommandLine
    apps: tuple[str, ...]
    dice: random.Random
    counts: Counter[str] = attrs.field(factory=Counter)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def one(self, _number: int) -> None:
        """Run one operation, and perhaps kill it."""
        with self._lock:
            words = self._words()
            kill_after = self.dice.uniform(0.1, 5) if self.dice.random() < KILLED else 0.0
        if kill_after:
            ended = "killed" if run_and_kill(self.command, words, kill_after) else "ended before it was killed"
        else:
            ended = self._run(*words)
        with self._lock:
            self.counts[f"{words[0]} {ended}"] += 1

    def fix(self) -> list[str]:
        """Complete what was interrupted; what `doctor` still finds then."""
        self._run("doctor", "--fix", "--yes")
        found = self._data("doctor", "--json")["findings"]
        return [f"{each['kind']} {each['subject']}: {each['problem']}" for each in found]

    def broken_environments(self) -> list[str]:
        """Return apps whose variables are not those of the instances that they are tied to."""
        instances = self._data("list", "--json")["instances"]
        tied = {tie["app"] for each in instances for tie in each["apps"]}
        wrong = [f"{each['name']} is {each['phase']}" for each in instances if each["phase"] != "active"]
        for app in sorted(tied):
            environment = self._data("env", "-a", app, "--json")
            keys = {key for each in instances for tie in each["apps"] if tie["app"] == app for key in tie["variables"]}
            given = {each["key"] for each in environment["variables"]}
            if environment["pending"] or keys != given:
                wrong.append(f"{app}: {environment['pending']} {sorted(keys ^ given)}")
        return wrong

    def unreachable(self) -> list[str]:
        """Return variables of apps that do not lead to a server that lets the app in."""
        apps = {tie["app"] for each in self._data("list", "--json")["instances"] for tie in each["apps"]}
        return [each for app in sorted(apps) for each in self._unreachable_of(app)]

    def _unreachable_of(self, app: str) -> Iterator[str]:
        for each in self._data("env", "-a", app, "--json", "--reveal")["variables"]:
            try:
                if each["key"].endswith("DATABASE_URL"):
                    asyncio.run(_connect(each["value"]))
                elif each["key"].endswith("VALKEY_URL"):
                    with valkey.Valkey.from_url(each["value"]) as client:
                        client.ping()
            except Exception as error:  # noqa: BLE001 - whatever it is, the app does not get in
                yield f"{app}: {each['key']}: {error}"

    def remove_all(self) -> list[str]:
        """Destroy everything; what could not be destroyed."""
        names = [each["name"] for each in self._data("list", "--json")["instances"]]
        return [name for name in names if self._run("destroy", name, "--yes") != "done"]

    def _words(self) -> tuple[str, ...]:
        app, other = self.dice.sample(self.apps, 2)
        spec = self.dice.choice(SPECS)
        name = f"{app}-{spec.partition(':')[0]}"
        return self.dice.choice(
            [
                ("create", spec, "-a", app),
                ("create", spec, "-a", app),
                ("create", spec, "-a", app, "--as", "more"),
                ("attach", name, "-a", other, "--as", f"of-{app}"),
                ("detach", name, "-a", other),
                ("destroy", name, "--yes"),
                ("retry", name),
                ("env", "-a", app),
                ("list",),
            ]
        )

    def _run(self, *words: str) -> str:
        try:
            ended = subprocess.run(
                [*self.command.program, *words],
                env=self.command.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"WAITS: {' '.join(words)}"
        if "bug in addonkit" in ended.stderr:
            return f"BUG: {ended.stderr}"
        return "done" if ended.returncode == 0 else "refused"

    def _data(self, *words: str) -> Any:
        return self.command(*words).data


async def _connect(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT 1")
    finally:
        await connection.close()


def crowd(processes: int, apps: int, operations: int, seed: int) -> int:
    """Let them work, fix, look; the exit status."""
    with temporary_home() as home:
        them = Crowd(CommandLine(home), tuple(f"app{number}" for number in range(apps)), random.Random(seed))
        began = time.monotonic()
        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(them.one, range(operations)))
        print(f"{operations} operations of {processes} processes on {apps} apps, seed {seed}", flush=True)
        print(f"in {time.monotonic() - began:.0f} s: {dict(sorted(them.counts.items()))}", flush=True)
        wrong = [each for each in them.counts if "WAITS" in each or "BUG" in each]
        wrong += them.fix()
        wrong += them.broken_environments()
        wrong += them.unreachable()
        wrong += [f"cannot destroy {name}" for name in them.remove_all()]
        wrong += [f"left: {each}" for each in left_behind(home)]
    print("\n".join(f"WRONG: {each}" for each in wrong) or "nothing wrong", flush=True)
    return int(bool(wrong))
