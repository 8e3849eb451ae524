"""One connection: work that takes an instant is done at once, other work by a thread. Both take it whole."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from addonkit.errors import Busy, StoreCorrupted, StoreFull, StoreUnavailable
from addonkit.store.connection import PURPOSE, connect
from addonkit.store.error_mapping import database_fault, file_fault, not_text
from addonkit.store.jobs import Group, Job, tell
from addonkit.store.migrate import check_version
from addonkit.store.sqlite_transaction import TooMany

if TYPE_CHECKING:
    from pathlib import Path

    from addonkit.errors import AddonkitError

T = TypeVar("T")

AT_ONCE: Final = 64
"""Records that are read at once, without the thread: an event loop waits meanwhile."""
_ANY: Final = 0


def _closed_error() -> StoreUnavailable:
    return StoreUnavailable("cannot use the store", "it is closed")


class Writer:
    """Runs functions of a connection one after the other: at once, or on a thread of its own.

    At once means on the event loop's thread, which costs no hop to another one and back. That is done for few records,
    while the thread has nothing to do and no other process keeps a lock.

    Args:
        path: of the state file.
        busy_timeout: seconds to wait for another process's lock.
    """

    def __init__(self, path: Path, busy_timeout: float) -> None:
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
        job = Job(work)
        self._submit(self._run_one, purpose, job)
        found: T = await job.future
        return found

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

    async def run_grouped(self, purpose: str, group: Group, work: Any, *, at_once: bool = False) -> Any:
        """Hand `work` to `group` together with what waits by then; return what the group answers to it.

        When the waiting task is cancelled its work is not begun, or ends unheard.

        Args:
            purpose: as in `run`.
            group: called with the connection and every job of the group; writes down their outcomes.
            work: what this job brings.
            at_once: do it on this thread if that can be.

        Raises:
            StoreError, Busy: as in `run`. A group that fails is tried job by job.
        """
        job = Job(work)
        with self._lock:
            if self._closed:
                raise _closed_error()
            is_first = all(each.loop is not job.loop for each in self._waiting)
            self._waiting.append(job)
        if is_first:  # tasks that are ready now add their work before the thread begins
            job.loop.call_soon(partial(self._begin_group, purpose, group, at_once=at_once))
        return await job.future

    def _begin_group(self, purpose: str, group: Group, *, at_once: bool) -> None:
        """Do what waits, or let the thread do it, unless it was closed meanwhile and has refused it."""
        if at_once and self._run_at_once(purpose, group):
            return
        with suppress(StoreUnavailable):
            self._submit(self._run_waiting, purpose, group)

    def _run_at_once(self, purpose: str, group: Group) -> bool:
        """Run what waits as one group, here and now. False when the thread has to: it waits as before then."""
        jobs = self._take_waiting()
        if not jobs:
            return True
        try:
            done = self.at_once(purpose, lambda connection: group(connection, jobs, AT_ONCE))
        except BaseException as error:  # noqa: BLE001 - handed to the task that waits
            done = (None,) if len(jobs) == 1 else None
            jobs[0].error = error
        if done is None:
            with self._lock:
                self._waiting[:0] = jobs
            return False
        tell(jobs)
        return True

    def _submit(self, work: Callable[..., Sequence[Job]], *args: Any) -> None:
        with self._lock:
            self._submitted += 1
        try:
            self._executor.submit(self._run_submitted, work, *args)
        except RuntimeError:  # the executor was shut down
            raise _closed_error() from None

    def _run_submitted(self, work: Callable[..., Sequence[Job]], *args: Any) -> None:
        jobs = work(*args)
        with self._lock:  # before the tasks are woken: what they ask for next can be done at once
            self._submitted -= 1
        tell(jobs)

    def _take_waiting(self) -> list[Job]:
        with self._lock:
            jobs = [job for job in self._waiting if not job.future.cancelled()]
            self._waiting.clear()
        return jobs

    def _run_one(self, purpose: str, job: Job) -> Sequence[Job]:
        if job.future.cancelled():
            return ()
        try:
            job.result = self._work(purpose, job.work)
        except BaseException as error:  # noqa: BLE001 - handed to the task that waits
            job.error = error
        return [job]

    def _run_waiting(self, purpose: str, group: Group) -> Sequence[Job]:
        """Run what waits as one group; returns it."""
        jobs = self._take_waiting()
        if not jobs:
            return ()
        try:
            self._work(purpose, lambda connection: group(connection, jobs, _ANY))
        except BaseException as error:  # noqa: BLE001 - handed to the tasks that wait
            if len(jobs) == 1:
                jobs[0].error = error
            else:
                for job in jobs:  # no job fails for another one's sake
                    self._run_alone(purpose, group, job)
        return jobs

    def _run_alone(self, purpose: str, group: Group, job: Job) -> None:
        try:
            self._work(purpose, lambda connection: group(connection, [job], _ANY))
        except BaseException as error:  # noqa: BLE001 - handed to the task that waits
            job.error = error

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

    def _work(self, purpose: str, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._turn:
            return self._work_with(purpose, work, self._busy_timeout)

    def _work_with(self, purpose: str, work: Callable[[sqlite3.Connection], T], patience: float) -> T:
        """Run `work` in our turn; wait as many seconds for other processes' locks."""
        connection = self._connected()
        self._check_file(purpose)
        try:
            self._be_patient(connection, patience)
            check_version(connection, self._path)
            return work(connection)
        except sqlite3.Error as error:
            fault = self._fault(error, purpose)
            if isinstance(fault, StoreFull):
                self._disconnect()  # with room again, the next connection can write
            raise fault from error
        except UnicodeDecodeError as error:
            raise self._damaged(not_text(error, self._path, purpose)) from error
        except StoreCorrupted as error:
            raise self._damaged(error) from error

    def _connected(self) -> sqlite3.Connection:
        if self._damage is not None:  # never write to a damaged file
            raise StoreCorrupted(*self._damage.args, **self._damage.details)
        if self._connection is None:
            self._connection = self._connect()
            self._patience = self._busy_timeout
            self._file = self._identity()
        return self._connection

    def _be_patient(self, connection: sqlite3.Connection, seconds: float) -> None:
        if seconds != self._patience:
            connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
            self._patience = seconds

    def _check_file(self, purpose: str) -> None:
        """SQLite keeps using a file that was removed or replaced; its writes are lost then."""
        if self._identity() != self._file:
            raise StoreUnavailable(
                f"cannot {purpose} {self._path}",
                "the file was removed or replaced while it was open",
                "repeat the command",
            )

    def _identity(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return -1, -1
        return status.st_dev, status.st_ino

    def _connect(self) -> sqlite3.Connection:
        try:
            return connect(self._path, self._busy_timeout)
        except sqlite3.Error as error:
            raise self._fault(error, PURPOSE) from error
        except UnicodeDecodeError as error:
            raise self._damaged(not_text(error, self._path, PURPOSE)) from error
        except StoreCorrupted as error:
            raise self._damaged(error) from error
        except OSError as error:
            raise file_fault(error, self._path, PURPOSE) from error

    def _fault(self, error: sqlite3.Error, purpose: str) -> AddonkitError:
        fault = database_fault(error, self._path, purpose)
        return self._damaged(fault) if isinstance(fault, StoreCorrupted) else fault

    def _damaged(self, fault: StoreCorrupted) -> StoreCorrupted:
        from addonkit.store.quarantine import quarantine

        self._damage = quarantine(fault, self._path)
        return self._damage

    def _end(self) -> None:
        left = self._take_waiting()
        for job in left:
            job.error = _closed_error()
        tell(left)
        with self._turn:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
