"""One thread that owns one connection; work is handed to it whole."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from addonkit.errors import StoreCorrupted, StoreFull, StoreUnavailable
from addonkit.store.connection import PURPOSE, connect
from addonkit.store.error_mapping import database_fault, file_fault, not_text
from addonkit.store.migrate import check_version
from addonkit.store.quarantine import quarantine

if TYPE_CHECKING:
    from pathlib import Path

    from addonkit.errors import AddonkitError

T = TypeVar("T")


class Job:
    """Work for the store's thread, and what became of it.

    Attributes:
        work: what is to be done.
        result: what it answered; `error` what it raised instead.
        future: tells the task that waits.
    """

    def __init__(self, work: Any) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()

    def settle(self) -> None:
        """Tell the task that waits, on its event loop. Does nothing when it was cancelled."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


Group = Callable[[sqlite3.Connection, Sequence[Job]], None]
"""Does the work of several jobs at once and writes down their outcomes."""


def _settle(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.settle()


def _tell(jobs: Sequence[Job]) -> None:
    """Wake the tasks that wait for these jobs; each event loop is woken once."""
    for loop in {job.loop for job in jobs}:
        with suppress(RuntimeError):  # that loop is closed: no task waits there any more
            loop.call_soon_threadsafe(_settle, [job for job in jobs if job.loop is loop])


def _closed_error() -> StoreUnavailable:
    return StoreUnavailable("cannot use the store", "it is closed")


class Writer:
    """Runs functions of a connection one after the other, on a thread of its own.

    Args:
        path: of the state file.
        busy_timeout: seconds to wait for another process's lock.
    """

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="addonkit-store")
        self._lock = threading.Lock()
        self._waiting: list[Job] = []
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._damage: StoreCorrupted | None = None

    async def run(self, purpose: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns. When the waiting task is cancelled it is not begun, or ends unheard.

        Raises:
            StoreError: when the store fails; `purpose` says at what, as "write the state".
            Busy: when another process kept its lock for too long.
        """
        job = Job(work)
        self._submit(self._run_one, purpose, job)
        found: T = await job.future
        return found

    async def run_grouped(self, purpose: str, group: Group, work: Any) -> Any:
        """Hand `work` to `group` together with what waits by then; return what the group answers to it.

        When the waiting task is cancelled its work is not begun, or ends unheard.

        Args:
            purpose: as in `run`.
            group: called on the thread with the connection and every job of the group; writes down their outcomes.
            work: what this job brings.

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
            job.loop.call_soon(self._begin_group, purpose, group)
        return await job.future

    def _begin_group(self, purpose: str, group: Group) -> None:
        """Let the thread do what waits, unless it was closed meanwhile and has refused it."""
        with suppress(StoreUnavailable):
            self._submit(self._run_waiting, purpose, group)

    def _submit(self, work: Callable[..., None], *args: Any) -> None:
        try:
            self._executor.submit(work, *args)
        except RuntimeError:  # the executor was shut down
            raise _closed_error() from None

    def _take_waiting(self) -> list[Job]:
        with self._lock:
            jobs = [job for job in self._waiting if not job.future.cancelled()]
            self._waiting.clear()
        return jobs

    def _run_one(self, purpose: str, job: Job) -> None:
        if job.future.cancelled():
            return
        try:
            job.result = self._work(purpose, job.work)
        except BaseException as error:  # noqa: BLE001 - handed to the task that waits
            job.error = error
        _tell([job])

    def _run_waiting(self, purpose: str, group: Group) -> None:
        """Run what waits as one group."""
        jobs = self._take_waiting()
        if not jobs:
            return
        try:
            self._work(purpose, lambda connection: group(connection, jobs))
        except BaseException as error:  # noqa: BLE001 - handed to the tasks that wait
            if len(jobs) == 1:
                jobs[0].error = error
            else:
                for job in jobs:  # no job fails for another one's sake
                    self._run_alone(purpose, group, job)
        _tell(jobs)

    def _run_alone(self, purpose: str, group: Group, job: Job) -> None:
        try:
            self._work(purpose, lambda connection: group(connection, [job]))
        except BaseException as error:  # noqa: BLE001 - handed to the task that waits
            job.error = error

    async def close(self) -> None:
        """End the thread after what it has begun; what waits then is refused. May be called again."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        job = self._executor.submit(self._disconnect)
        self._executor.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(job))
        self._executor.shutdown(wait=True)

    def _work(self, purpose: str, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connected()
        self._check_file(purpose)
        try:
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
            self._file = self._identity()
        return self._connection

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
        self._damage = quarantine(fault, self._path)
        return self._damage

    def _disconnect(self) -> None:
        left = self._take_waiting()
        for job in left:
            job.error = _closed_error()
        _tell(left)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
