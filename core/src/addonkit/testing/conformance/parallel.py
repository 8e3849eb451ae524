"""Runs the checks of an addon side by side, in forks of this process.

Every fork collects the same checks. A file says which ones are taken. Half of the forks begin with the first checks,
which are quick; the others with the last ones, which are long. A fork tells what it begins and ends in lines of JSON.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO, Any, Final

import attrs
import pytest

from addonkit.testing import prefork
from addonkit.testing.conformance.assertions import WHAT_TO_DO
from addonkit.testing.conformance.reaper import folder_for_homes, interrupt_on_sigterm, shared_templates
from addonkit.testing.conformance.report import Check, Collector
from addonkit.util.file_locks import lock_file

_BROKEN: Final = frozenset({pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR})

_NOT_RUN: Final = Check(
    "the checks can be run",
    message=f"pytest itself fails, as it says above\n  {WHAT_TO_DO}look for a module of yours that hides another one",
)


class Queue:
    """Numbers that several processes share; each is given once, from the first one on or from the last one back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, many: int, *, last: bool) -> int | None:
        """Take a number; None when all are taken.

        Args:
            many: how many there are.
            last: whether it is the last that is left, instead of the first.
        """
        with self._locked() as file:
            first, behind, ended = json.loads(file.read() or "[0, 0, false]")
            if ended or first + behind >= many:
                return None
            self._put(file, first + (not last), behind + last, ended=False)
        return many - 1 - int(behind) if last else int(first)

    def end(self) -> None:
        """Give no more."""
        with self._locked() as file:
            self._put(file, 0, 0, ended=True)

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        with self._path.open("r+") as file:
            lock_file(file.fileno())
            yield file

    @staticmethod
    def _put(file: IO[str], first: int, behind: int, *, ended: bool) -> None:
        file.seek(0)
        file.write(json.dumps([first, behind, ended]))
        file.truncate()
        file.flush()


class Share:
    """A pytest plugin that runs the checks which no other process has taken."""

    def __init__(self, queue: Queue, *, last: bool) -> None:
        """Run nothing yet.

        Args:
            queue: of the numbers of checks.
            last: begin with the last ones, which are the longest.
        """
        self._queue = queue
        self._last = last

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run one after the other."""
        items = session.items
        while (number := self._queue.take(len(items), last=self._last)) is not None:
            # Another check of the class, whichever: what the class shares stays until the session ends.
            other = next((item for item in items if item is not items[number]), None)
            session.config.hook.pytest_runtest_protocol(item=items[number], nextitem=other)
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
    prefork.start()
    import_module("addonkit.testing.conformance.suite")  # once for all workers
    with tempfile.NamedTemporaryFile(prefix="addonkit-conformance-") as counter, DefaultSelector() as selector:
        queue = Queue(Path(counter.name))
        workers: list[_Worker] = []
        try:
            for number in range(jobs):
                workers.append(_fork(queue, options, workers, last=number % 2 == 1))
                selector.register(workers[-1].told, EVENT_READ)
            return _gather(selector, tell, begin, queue if first_failure else None)
        except BaseException:
            for worker in workers:
                os.kill(worker.pid, signal.SIGTERM)
            raise
        finally:
            for worker in workers:
                worker.told.close()
                os.waitpid(worker.pid, 0)


@attrs.frozen
class _Worker:
    """A fork of this process that runs checks.

    Attributes:
        pid: its own.
        told: lines of JSON that it writes.
    """

    pid: int
    told: IO[str]


def _fork(queue: Queue, options: Sequence[str], others: Sequence[_Worker], *, last: bool) -> _Worker:
    """Start a worker, which has imported all that this process has."""
    told, telling = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(telling)
        return _Worker(pid, os.fdopen(told))
    try:
        _become_worker(others)
        os.close(told)
        _work(queue, options, telling, last=last)
    except BaseException:  # noqa: BLE001 - nothing of a worker may go on in what this process does
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - as multiprocessing does
        os._exit(0)


def _become_worker(others: Sequence[_Worker]) -> None:
    """Leave what belongs to the process that this is a fork of."""
    atexit._clear()  # noqa: SLF001 - as multiprocessing does
    folder_for_homes.cache_clear()
    for each in others:  # or a worker would not notice that this process has ended
        os.close(each.told.fileno())
    os.setsid()  # only this process ends a worker, which then cleans up
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)  # what an addon prints is not for the reader of the lines


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


def _work(queue: Queue, options: Sequence[str], telling: int, *, last: bool) -> None:
    told = os.fdopen(telling, "w", buffering=1)

    def write(message: dict[str, Any]) -> None:
        try:
            told.write(json.dumps(message) + "\n")
        except BrokenPipeError:
            raise KeyboardInterrupt from None  # the reader has ended

    collector = Collector(
        lambda check, number: write({"check": attrs.asdict(check), "number": number}),
        lambda name, total: write({"begins": name, "total": total}),
    )
    with suppress(KeyboardInterrupt):
        if pytest.main([*options], plugins=[collector, Share(queue, last=last)]) in _BROKEN:
            write({"check": attrs.asdict(_NOT_RUN), "number": -1})
    with suppress(BrokenPipeError):
        told.close()
