"""Commits the decisions of several tasks at once: one synchronisation of the disk serves them all."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from addonkit.errors import StoreCorrupted
from addonkit.store.keys import refuse_awaitable
from addonkit.store.sqlite_transaction import SqliteTransaction, TooMany

if TYPE_CHECKING:
    from addonkit.store.codec import Codec
    from addonkit.store.interface import Transaction
    from addonkit.util.clock import Clock

Decision = Callable[["Transaction"], Any]

_LONGEST: Final = 0.001
"""Seconds of a commit that an event loop waits for: a thread would take a sixth of it to wake twice."""
_WEIGHT: Final = 0.2
"""Of the newest commit in the average: one that is slow by chance changes nothing."""


class Job:
    """A decision, the task that waits for it, and what became of it.

    Attributes:
        decide: the decision.
        result: what it answered; `error` what it raised instead.
        future: tells the task that waits, on the event loop `loop`.
    """

    def __init__(self, decide: Decision) -> None:
        self.decide = decide
        self.result: Any = None
        self.error: BaseException | None = None
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()


def tell(jobs: Sequence[Job], here: asyncio.AbstractEventLoop | None = None) -> None:
    """Wake the tasks that wait for these jobs; each event loop is woken once for those that follow one another.

    Args:
        jobs: that are over.
        here: event loop that runs on this thread, if one does.
    """
    for loop, waiting in groupby(jobs, attrgetter("loop")):
        if loop is here:
            _resolve(waiting)
        else:
            with suppress(RuntimeError):  # that loop is closed: no task waits there any more
                loop.call_soon_threadsafe(_resolve, [*waiting])


def _resolve(jobs: Iterable[Job]) -> None:
    """Give the tasks of these jobs their outcomes, on their event loop; those that were cancelled hear nothing."""
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)


class _Torn(Exception):
    """A decision raised after it had written; those of its group are run again, each undone by itself if it raises."""


class GroupCommit:
    """Runs decisions one after the other and commits them together.

    Each sees what the former ones did. One that raises is rolled back alone; for that the group is run a second time,
    which costs less than being ready for it each time.

    Args:
        codec: holds the key of the secrets.
        clock: gives `created` and `updated`.
        committed: told the transactions that were committed, in order.

    Attributes:
        pace: average of the seconds that commits took. The first ones count as quick.
    """

    def __init__(self, codec: Codec, clock: Clock, committed: Callable[[Sequence[SqliteTransaction]], None]) -> None:
        self._codec = codec
        self._clock = clock
        self._committed = committed
        self.pace = 0.0

    @property
    def is_quick(self) -> bool:
        """Return whether the next commit is expected to be quick."""
        return self.pace < _LONGEST

    def note(self, seconds: float) -> None:
        """Take note of what a commit took."""
        self.pace += _WEIGHT * (seconds - self.pace)

    def commit(self, jobs: Sequence[Job], most: int, connection: sqlite3.Connection) -> None:
        """Run and commit the decisions of these jobs and write down their outcomes.

        Raises:
            TooMany: one of them reads more than `most` records, 0 for any number; all of them were rolled back.
            sqlite3.Error, StoreCorrupted, UnicodeDecodeError: the database failed; all of them were rolled back.
        """
        try:
            transactions = self._run(connection, jobs, most, apart=False)
        except _Torn:
            transactions = self._run(connection, jobs, most, apart=True)
        self._committed([each for each, job in zip(transactions, jobs, strict=True) if job.error is None])

    def _run(
        self, connection: sqlite3.Connection, jobs: Sequence[Job], most: int, *, apart: bool
    ) -> Sequence[SqliteTransaction]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            transactions = [self._decide(connection, job, most, apart=apart, alone=len(jobs) == 1) for job in jobs]
            began = time.perf_counter()
            connection.execute("COMMIT" if any(job.error is None for job in jobs) else "ROLLBACK")
            self.note(time.perf_counter() - began)
        except BaseException:
            if connection.in_transaction:  # a full disk has rolled back already
                connection.execute("ROLLBACK")
            raise
        return transactions

    def _decide(
        self, connection: sqlite3.Connection, job: Job, most: int, *, apart: bool, alone: bool
    ) -> SqliteTransaction:
        """Run one decision; `apart` undoes what it did when it raises, without undoing what others did.

        Raises:
            sqlite3.Error, StoreCorrupted, UnicodeDecodeError: the database failed.
            TooMany: it reads too many records.
            _Torn: it has written, raised, and cannot be undone by itself.
        """
        if apart:
            connection.execute("SAVEPOINT decision")
        before = connection.total_changes
        transaction = SqliteTransaction(connection, self._codec, self._clock, most)
        job.result, job.error = None, None
        try:
            job.result = job.decide(transaction)
            refuse_awaitable(job.result)
            transaction.finish()
        except (sqlite3.Error, StoreCorrupted, UnicodeDecodeError, TooMany):
            raise
        except BaseException as error:  # noqa: BLE001 - handed to the task that waits for it
            job.error = error
        finally:
            transaction.end()
        if apart:
            if job.error is not None:
                connection.execute("ROLLBACK TO decision")
            connection.execute("RELEASE decision")
        elif job.error is not None and not alone and connection.total_changes != before:
            raise _Torn
        return transaction
