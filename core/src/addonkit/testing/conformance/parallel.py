"""Runs the checks of an addon side by side, in several processes: `python -m ...parallel JOB` is one of them.

Every process collects the same checks. A counter in a file says which one is the next that no process has taken. It
writes what it begins and what it ends as lines of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO, Any, Final

import attrs
import pytest

from addonkit.testing.conformance.assertions import WHAT_TO_DO
from addonkit.testing.conformance.reaper import interrupt_on_sigterm, shared_templates
from addonkit.testing.conformance.report import Check, Collector
from addonkit.util.file_locks import lock_file

_ALL_TAKEN: Final = 1_000_000

_BROKEN: Final = frozenset({pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR})

_NOT_RUN: Final = Check(
    "the checks can be run",
    message=f"pytest itself fails, as it says above\n  {WHAT_TO_DO}look for a module of yours that hides another one",
)


class Queue:
    """Numbers that several processes share; each is given once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def next(self) -> int:
        """Take the next number."""
        with self._locked() as file:
            number = int(file.read() or 0)
            self._put(file, number + 1)
        return number

    def end(self) -> None:
        """Give no more."""
        with self._locked() as file:
            self._put(file, _ALL_TAKEN)

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        with self._path.open("r+") as file:
            lock_file(file.fileno())
            yield file

    @staticmethod
    def _put(file: IO[str], number: int) -> None:
        file.seek(0)
        file.write(str(number))
        file.flush()


class Share:
    """A pytest plugin that runs the checks which no other process has taken."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run one after the other."""
        items = session.items
        number = self._queue.next() if not session.testsfailed else _ALL_TAKEN
        while number < len(items):
            following = self._queue.next()
            after = items[following] if following < len(items) else None
            session.config.hook.pytest_runtest_protocol(item=items[number], nextitem=after)
            number = following
        return True


def run_alone(
    options: Sequence[str],
    tell: Callable[[Check], object],
    begin: Callable[[str], object],
    *,
    first_failure: bool = False,
) -> list[Check]:
    """Run pytest in this process; see `run_side_by_side`."""
    checks: list[Check] = []

    def keep(check: Check, _: int) -> None:
        checks.append(check)
        tell(check)

    def announce(name: str, total: int) -> None:
        begin(f"{len(checks) + 1}/{total}  {name} ...")

    code = pytest.main([*options, *(["-x"] if first_failure else [])], plugins=[Collector(keep, announce)])
    if code in _BROKEN:
        keep(_NOT_RUN, -1)
    return checks


def run_side_by_side(
    options: Sequence[str],
    jobs: int,
    tell: Callable[[Check], object],
    begin: Callable[[str], object],
    *,
    first_failure: bool = False,
) -> list[Check]:
    """Run pytest in several processes, each with its share of the checks; they end with this one.

    Args:
        options: of pytest.
        jobs: how many.
        tell: called with each check as it ends.
        begin: called with a line about each check as it begins.
        first_failure: begin no further check after one that failed.
    """
    interrupt_on_sigterm()
    shared_templates()  # which all workers inherit
    with tempfile.NamedTemporaryFile(prefix="addonkit-conformance-") as counter, DefaultSelector() as selector:
        queue = Queue(Path(counter.name))
        command = [sys.executable, "-P", "-m", __name__, json.dumps([counter.name, *options])]
        workers = [_start(command) for _ in range(jobs)]
        try:
            for worker in workers:
                selector.register(worker.stdout, EVENT_READ)  # type: ignore[arg-type]  # it is a pipe
            return _gather(selector, tell, begin, queue if first_failure else None)
        except BaseException:
            for worker in workers:
                worker.terminate()
            raise
        finally:
            for worker in workers:
                worker.wait()


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    # In a session of its own: only this process ends a worker, which then cleans up.
    return subprocess.Popen(  # noqa: S603 - this module
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def _gather(
    selector: DefaultSelector, tell: Callable[[Check], object], begin: Callable[[str], object], queue: Queue | None
) -> list[Check]:
    found: dict[tuple[str, str], tuple[int, Check]] = {}
    begun = 0
    while selector.get_map():
        for key, _ in selector.select():
            line = key.fileobj.readline()  # type: ignore[union-attr]  # it is a pipe
            if not line:
                selector.unregister(key.fileobj)
                continue
            message = json.loads(line)
            if "begins" in message:
                begun += 1
                begin(f"{begun}/{message['total']}  {message['begins']} ...")
                continue
            check = Check(**message["check"])
            if (check.name, check.case) not in found:
                tell(check)
            if not check.passed and queue is not None:
                queue.end()
            found[check.name, check.case] = (message["number"], check)
    return [check for _, check in sorted(found.values(), key=lambda each: each[0])]


def _work(counter: str, options: Sequence[str]) -> None:
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what an addon prints is not for the reader of the lines

    def write(message: dict[str, Any]) -> None:
        try:
            told.write(json.dumps(message) + "\n")
        except BrokenPipeError:
            raise KeyboardInterrupt from None  # the reader has ended

    collector = Collector(
        lambda check, number: write({"check": attrs.asdict(check), "number": number}),
        lambda name, total: write({"begins": name, "total": total}),
    )
    code = pytest.main([*options], plugins=[collector, Share(Queue(Path(counter)))])
    if code in _BROKEN:
        write({"check": attrs.asdict(_NOT_RUN), "number": -1})
    with suppress(BrokenPipeError):
        told.close()


if __name__ == "__main__":
    counter, *options = json.loads(sys.argv[1])
    with suppress(KeyboardInterrupt):
        _work(counter, options)
