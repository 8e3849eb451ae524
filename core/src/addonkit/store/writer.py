"""One connection: work that takes an instant is done at once, other work by a thread. Both take it whole."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from addonkit.errors import Busy, StoreCorrupted, StoreFull, StoreUnavailable
from addonkit.store.connection import PURPOSE, connect
from addonkit.store.error_mapping import FAULTS, fault_of, file_fault
from addonkit.store.group_commit import Job, tell
from addonkit.store.migrate import check_version
from addonkit.store.sqlite_transaction import TooMany

if TYPE_CHECKING:
    from pathlib import Path

    from addonkit.store.group_commit import Decision, GroupCommit

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE: Final = 64
"""Records that are read at once, without the thread: an event loop waits meanwhile."""
_ANY: Final = 0
_WRITE: Final = "write the state"


def _closed_error() -> StoreUnavailable:
    return StoreUnavailable("cannot use the store", "it is closed")


class Writer:
    """Runs functions of a connection one after the other: at once, or on a thread of its own.

    At once means on the event loop's thread, which costs no hop to another one and back. That is done for few records,
    while the thread has nothing to do and no other process keeps a lock.

    Args:
        path: of the state file.
        busy_timeout: seconds to wait for another process's lock.
        commits: carries out decisions.
    """

    def __init__(self, path: Path, busy_timeout: float, commits: GroupCommit) -> None:
        self.commits = commits
        self._path = path
        self._busy_timeout = busy_timeout
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="addonkit-store")
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._submitted = 0
        self._patience = busy_timeout
        self._waiting: list[Job] = []
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._damage: StoreCorrupted | None = None

    async def run(self, purpose: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returns. When the waiting task is cancelled it is not begun, or ends unheard.

        Raises:
            StoreError: when the store fails; `purpose` says at what, as "write the state".
            Busy: when another process kept its lock for too long.
        """
        return await asyncio.wrap_future(self._submit(self._work, purpose, work))

    def at_once(self, purpose: str, work: Callable[[sqlite3.Connection], T]) -> tuple[T] | None:
        """Return what `work` returns, in a tuple; None when `run` has to do it. What was begun is undone then.

        Raises:
            StoreError: as in `run`.
        """
        if self._submitted or self._closed or self._connection is None or not self._turn.acquire(blocking=False):
            return None
        try:
            return (self._work_with(purpose, work, 0.0),)
        except (Busy, TooMany):
            return None
        finally:
            self._turn.release()

    async def transact(self, decide: Decision) -> Any:
        """Carry out a decision together with those that wait by then; return what it answers.

        When the waiting task is cancelled its decision is not begun, or ends unheard.

        Raises:
            StoreError, Busy: as in `run`. A group that fails is tried decision by decision.
        """
        job = Job(decide)
        with self._lock:
            if self._closed:
                raise _closed_error()
            is_first = all(each.loop is not job.loop for each in self._waiting)
            self._waiting.append(job)
        if is_first:  # tasks that are ready now add their decisions before the group begins
            job.loop.call_soon(self._begin_group)
        return await job.future

    async def close(self) -> None:
        """End the thread after what it has begun; what waits then is refused. May be called again."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        job = self._executor.submit(self._end)
        self._executor.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(job))
        self._executor.shutdown(wait=True)

    def _begin_group(self) -> None:
        """Decide what waits, or let the thread do it; refuse it when the thread has ended."""
        if self.commits.is_quick and self._decide_at_once():
            return
        try:
            self._submit(self._decide_waiting).add_done_callback(lambda done: tell(done.result()))
        except StoreUnavailable:
            self._refuse_waiting()  # the thread refused what it saw; this was put back after that

    def _decide_at_once(self) -> bool:
        """Carry out what waits as one group, here and now. False when the thread has to: it waits as before then."""
        jobs = self._take_waiting()
        if not jobs:
            return True
        try:
            done = self.at_once(_WRITE, partial(self.commits.commit, jobs, AT_ONCE))
        except BaseException as error:  # noqa: BLE001 - handed to the task that waits
            done = (None,) if len(jobs) == 1 else None
            jobs[0].error = error
        if done is None:
            with self._lock:
                self._waiting[:0] = jobs
            return False
        tell(jobs, asyncio.get_running_loop())
        return True

    def _decide_waiting(self) -> Sequence[Job]:
        """Carry out what waits, on the thread; return it."""
        jobs = self._take_waiting()
        if jobs:
            self._decide(jobs)
        return jobs

    def _decide(self, jobs: Sequence[Job]) -> None:
        """Carry out decisions as one group, or where it fails one by one: none fails for another one's sake."""
        try:
            self._work(_WRITE, partial(self.commits.commit, jobs, _ANY))
        except BaseException as error:  # noqa: BLE001 - handed to the tasks that wait
            if len(jobs) == 1:
                jobs[0].error = error
                return
            for job in jobs:
                self._decide([job])

    def _take_waiting(self) -> list[Job]:
        with self._lock:
            jobs = [job for job in self._waiting if not job.future.cancelled()]
            self._waiting.clear()
        return jobs

    def _submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Let the thread do some work."""
        with self._lock:
            self._submitted += 1
        try:
            future = self._executor.submit(work, *args, **kwargs)
        except RuntimeError:  # the executor was shut down
            raise _closed_error() from None
        future.add_done_callback(self._note_done)  # the first: what a task asks for when it wakes can be done at once
        return future

    def _note_done(self, _future: Future[Any]) -> None:
        with self._lock:
            self._submitted -= 1

    def _work(self, purpose: str, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._turn:
            return self._work_with(purpose, work, self._busy_timeout)

    def _work_with(self, purpose: str, work: Callable[[sqlite3.Connection], T], patience: float) -> T:
        """Run `work` in our turn; wait as many seconds for other processes' locks."""
        if self._damage is not None:  # never write to a damaged file
            raise StoreCorrupted(*self._damage.args, **self._damage.details)
        attempted = PURPOSE
        try:
            connection = self._connection or self._connect()
            attempted = purpose
            if self._identity() != self._file:  # SQLite keeps using such a file; its writes are lost
                found = "the file was removed or replaced while it was open"
                raise StoreUnavailable(f"cannot {purpose} {self._path}", found, "repeat the command")
            if patience != self._patience:
                connection.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
                self._patience = patience
            check_version(connection, self._path)
            return work(connection)
        except FAULTS as error:
            fault = fault_of(error, self._path, attempted)
            if isinstance(fault, StoreCorrupted):
                self._damage = fault
            elif isinstance(fault, StoreFull):
                self._disconnect()  # with room again, the next connection can write
            raise fault from error

    def _connect(self) -> sqlite3.Connection:
        try:
            self._connection = connect(self._path, self._busy_timeout)
        except OSError as error:
            raise file_fault(error, self._path, PURPOSE) from error
        self._patience = self._busy_timeout
        self._file = self._identity()
        return self._connection

    def _identity(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return -1, -1
        return status.st_dev, status.st_ino

    def _refuse_waiting(self) -> None:
        left = self._take_waiting()
        for job in left:
            job.error = _closed_error()
        tell(left)

    def _end(self) -> None:
        self._refuse_waiting()
        with self._turn:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
