"""Commits the decisions of several tasks at once: one synchronisation of the disk serves them all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.errors import StoreCorrupted
from addonkit.store.keys import refuse_awaitable
from addonkit.store.sqlite_transaction import SqliteTransaction
from addonkit.store.writer import Job

if TYPE_CHECKING:
    from addonkit.store.codec import Codec
    from addonkit.store.interface import Transaction
    from addonkit.util.clock import Clock

Decision = Callable[["Transaction"], Any]


@attrs.define
class _Decided:
    """A decision that was run inside the open transaction, and what became of it."""

    job: Job
    transaction: SqliteTransaction
    result: Any = None
    error: BaseException | None = None


class GroupCommit:
    """Runs decisions one after the other and commits them together.

    Each sees what the former ones did. One that raises is rolled back alone.

    Args:
        codec: holds the key of the secrets.
        clock: gives `created` and `updated`.
        committed: told the transactions that were committed, in order.
    """

    def __init__(self, codec: Codec, clock: Clock, committed: Callable[[Sequence[SqliteTransaction]], None]) -> None:
        self._codec = codec
        self._clock = clock
        self._committed = committed

    def commit(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
        """Run and commit the decisions of these jobs and set their futures.

        Raises:
            sqlite3.Error, StoreCorrupted, UnicodeDecodeError: the database failed; all of them were rolled back,
                and no future was set.
        """
        decided = self._run(connection, jobs)
        self._committed([each.transaction for each in decided if each.error is None])
        for each in decided:
            if each.error is None:
                each.job.future.set_result(each.result)
            else:
                each.job.future.set_exception(each.error)

    def _run(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> Sequence[_Decided]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            decided = [self._decide(connection, job, alone=len(jobs) == 1) for job in jobs]
            connection.execute("COMMIT" if any(each.error is None for each in decided) else "ROLLBACK")
        except BaseException:
            if connection.in_transaction:  # a full disk has rolled back already
                connection.execute("ROLLBACK")
            raise
        return decided

    def _decide(self, connection: sqlite3.Connection, job: Job, *, alone: bool) -> _Decided:
        """Run one decision; what it did is undone when it raises.

        Raises:
            sqlite3.Error, StoreCorrupted, UnicodeDecodeError: the database failed.
        """
        if not alone:
            connection.execute("SAVEPOINT decision")
        decided = _Decided(job, SqliteTransaction(connection, self._codec, self._clock))
        try:
            decided.result = job.work(decided.transaction)
            refuse_awaitable(decided.result)
            decided.transaction.finish()
        except (sqlite3.Error, StoreCorrupted, UnicodeDecodeError):
            raise
        except BaseException as error:  # noqa: BLE001 - handed to the task that waits for it
            decided.error = error
        finally:
            decided.transaction.end()
        if alone:
            return decided
        if decided.error is not None:
            connection.execute("ROLLBACK TO decision")
        connection.execute("RELEASE decision")
        return decided
