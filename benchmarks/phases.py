"""Measures where the time of creates, destroys, steps and commands goes: what a goal can reach at most.

In process there are four phases, and their sum is the whole: commits of the state, other work of the state's database,
waiting (for a server, a program, a thread), and Python. A command has the start of Python and its imports beside them.
`ROUNDS` says how many turns there are; medians are printed. `ONLY` says which of the tables: steps, process, command.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from bench_process import begin
from creates import PROGRAM, Bench, new_name, prepare
from engine import EXECUTIONS, STEPS, sagas

from addonkit.store.group_commit import GroupCommit
from addonkit.store.writer import Writer
from addonkit.testing.home import kill_servers

ROUNDS: Final = int(os.environ.get("ROUNDS", "9"))
PHASES: Final = ("commits", "state", "waiting", "Python")
SPECS: Final = ("postgresql:shared", "valkey:shared", "valkey:small", "postgresql:small")

_IMPORT: Final = re.compile(r"import time: +(\d+) \| +\d+ \| *(\S+)")
_OWN: Final = "addonkit, its addons"
_STANDARD: Final = "standard library"


class Spent:
    """Milliseconds by phase since the last `begin`."""

    def __init__(self) -> None:
        self._took: dict[str, float] = defaultdict(float)
        self._began = 0.0

    @contextmanager
    def watched(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Measure while the block lasts."""
        selector = vars(loop)["_selector"]
        with ExitStack() as stack:
            stack.enter_context(patch.object(GroupCommit, "note", self._noting(GroupCommit.note)))
            stack.enter_context(patch.object(Writer, "at_once", self._timing("state", Writer.at_once)))
            stack.enter_context(patch.object(selector, "select", self._timing("waiting", selector.select)))
            yield

    def begin(self) -> None:
        """Forget what was measured."""
        self._took.clear()
        self._began = time.perf_counter()

    def taken(self) -> dict[str, float]:
        """Return the whole, its phases, and how many commits there were, since `begin`."""
        whole = (time.perf_counter() - self._began) * 1000
        found = {each: self._took[each] * 1000 for each in PHASES}
        found["Python"] = whole - sum(found.values())
        return {"whole": whole, **found, "number of commits": self._took["number"]}

    def _noting(self, note: Callable[[GroupCommit, float], None]) -> Callable[[GroupCommit, float], None]:
        def noting(commits: GroupCommit, seconds: float) -> None:
            # The event loop does it itself, or waits for the store's thread.
            within = "state" if threading.current_thread() is threading.main_thread() else "waiting"
            self._took["commits"] += seconds
            self._took[within] -= seconds
            self._took["number"] += 1
            note(commits, seconds)

        return noting

    def _timing(self, phase: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any) -> Any:
            began = time.perf_counter()
            try:
                return work(*args)
            finally:
                self._took[phase] += time.perf_counter() - began

        return timed


def table(title: str, rows: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Print the medians of each row."""
    columns = list(next(iter(rows.values()))[0])
    print(f"\n| {title} | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}")
    for name, turns in rows.items():
        medians = [statistics.median(turn.get(column, 0.0) for turn in turns) for column in columns]
        print(f"| {name} | {' | '.join(f'{each:.2f}' for each in medians)} |")


def in_process(bench: Bench, spent: Spent) -> None:
    """Time creates and destroys of a running process, by turns."""
    rows: dict[str, list[dict[str, float]]] = {f"{verb} {spec}": [] for spec in SPECS for verb in ("create", "destroy")}

    async def measured(name: str, work: Callable[..., Any], *words: Any, **options: Any) -> None:
        spent.begin()
        await work(*words, **options)
        rows[name].append(spent.taken())

    async def turn() -> None:
        for spec in SPECS:
            app, addon = new_name(), spec.partition(":")[0]
            await measured(f"create {spec}", bench.kit.create, spec, app=app)
            await measured(f"destroy {spec}", bench.kit.destroy, f"{app}-{addon}", now=True)

    with spent.watched(bench.loop):
        for _ in range(ROUNDS + 1):
            bench.loop.run_until_complete(turn())
    table("in process, ms", {name: turns[1:] for name, turns in rows.items()})


def steps(folder: Path) -> None:
    """Measure steps of sagas: commits of SQLite, and the rest."""
    rows: dict[str, list[dict[str, float]]] = {"a step, alone": [], "a step, 16 executions at once": []}
    with asyncio.Runner() as runner:
        spent = Spent()
        with spent.watched(runner.get_loop()):
            for turn in range(ROUNDS):
                for name, at_once in zip(rows, (1, 16), strict=True):
                    spent.begin()
                    runner.run(sagas(folder, at_once, turn))
                    rows[name].append({key: each / (EXECUTIONS * STEPS) for key, each in spent.taken().items()})
    table("steps of sagas, ms", rows)


def command(bench: Bench) -> None:
    """Measure a whole command, by the author of what it imports."""
    turns = [_imports(bench) for _ in range(ROUNDS)]
    table("`create postgresql:shared`, command, ms", {"with `-X importtime`": turns})


def _imports(bench: Bench) -> dict[str, float]:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    start = (time.perf_counter() - began) * 1000
    app = new_name()
    words = [PROGRAM, "--home", str(bench.home), "create", "postgresql:shared", "-a", app]
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-X", "importtime", *words], check=True, capture_output=True, text=True)
    whole = (time.perf_counter() - began) * 1000
    bench.destroy(app)
    took: Counter[str] = Counter()
    modules = 0
    for microseconds, name in _IMPORT.findall(done.stderr):
        took[_author(name)] += int(microseconds)
        modules += 1
    imports = {name: took[name] / 1000 for name in (_STANDARD, "asyncpg", "other libraries", _OWN)}
    rest = whole - start - sum(imports.values())
    return {"whole": whole, "start of Python": start, **imports, "the work": rest, "modules": float(modules)}


def _author(module: str) -> str:
    top = module.partition(".")[0]
    if top.startswith("addonkit"):
        return _OWN
    if top == "asyncpg":
        return top
    return _STANDARD if top in sys.stdlib_module_names else "other libraries"


def main() -> None:
    """Print where the time goes."""
    begin()
    wanted = os.environ.get("ONLY", "").split() or ["steps", "process", "command"]
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as folder, asyncio.Runner() as runner:
        base = Path(folder)
        base.chmod(0o711)
        print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
        if "steps" in wanted:
            steps(base)
        if not {"process", "command"}.intersection(wanted):
            return
        bench, stack = Bench(base, runner.get_loop()), AsyncExitStack()
        try:
            runner.run(prepare(bench, stack))
            if "process" in wanted:
                in_process(bench, Spent())
            if "command" in wanted:
                command(bench)
            runner.run(stack.aclose())
        finally:
            kill_servers(bench.home)


if __name__ == "__main__":
    main()
