"""The embedded store: one SQLite file, shared by all processes of a home."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from addonkit.store.change_notifier import ChangeNotifier, PollTimer, follow, with_missed
from addonkit.store.group_commit import GroupCommit
from addonkit.store.interface import Change, Entity, R, Reader, Stored, Transaction, V
from addonkit.store.keys import refuse_awaitable
from addonkit.store.sqlite_transaction import SqliteTransaction, latest_change, read_changes
from addonkit.store.writer import AT_ONCE, Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from pathlib import Path

    from addonkit.store.codec import Codec
    from addonkit.util.clock import Clock

_BATCH: Final = 500
_LOOK_EVERY: Final = 0.075
"""Seconds between looks for other processes' changes, while a task watches."""
_LOOK_AT_LEAST_EVERY: Final = 1.0
"""The same while nothing seems to be written."""
_GIVE_WAY_EVERY: Final = 16
"""Reads after which other tasks have a turn: those that are done at once would keep them waiting."""


class SqliteStore:
    """See Store. Made by `open`.

    Everything runs on one connection. What takes an instant runs on the event loop's thread: a hop to another one and
    back would take longer. The rest runs on a thread of the store's. Commits are durable: write-ahead log,
    `synchronous = FULL`. Decisions that wait at the same time share one commit.
    """

    def __init__(self, path: Path, codec: Codec, clock: Clock, busy_timeout: float) -> None:
        self._writer = Writer(path, busy_timeout, GroupCommit(codec, clock, self._committed))
        self._codec = codec
        self._clock = clock
        self._latest = 0
        self._looked = 0.0
        self._read_at_once = 0
        self._log_path = path.with_name(f"{path.name}-wal")
        self._seen = (0, 0)
        self._notifier = ChangeNotifier()
        self._timer = PollTimer(_LOOK_EVERY, self._is_due)

    @classmethod
    async def open(cls, path: Path, codec: Codec, clock: Clock, *, busy_timeout: float = 30.0) -> SqliteStore:
        """Open the state file, which is made if need be; its directory must exist.

        Args:
            path: of the file; `-wal` and `-shm` beside it are SQLite's own.
            codec: holds the key of the secrets.
            clock: gives `created` and `updated`.
            busy_timeout: seconds to wait while another process has the file locked.

        Raises:
            StoreUnavailable: when the file or its directory cannot be used.
            StoreFull: when no space is left.
            StoreTooNew: when a newer addonkit wrote the file; it is not touched.
            StoreCorrupted: when it is damaged; it is copied aside and not touched.
            Busy: when another process kept it locked for too long.
        """
        store = cls(path, codec, clock, busy_timeout)
        try:
            store._latest = await store._writer.run("open the state", latest_change)
        except BaseException:
            await store.close()
            raise
        return store

    async def transact(self, decide: Callable[[Transaction], R]) -> R:
        """See Store."""
        outcome: R = await self._writer.transact(decide)
        return outcome

    async def read(self, look: Callable[[Reader], R]) -> R:
        """See Store."""
        found = self._writer.at_once("read the state", partial(self._look_at, look, AT_ONCE))
        if found is None:
            return await self._writer.run("read the state", partial(self._look_at, look, 0))
        self._read_at_once += 1
        if not self._read_at_once % _GIVE_WAY_EVERY:
            await asyncio.sleep(0)
        return found[0]

    async def get(self, kind: type[V], name: str) -> Entity[V] | None:
        """See Store."""
        return await self.read(lambda tx: tx.get(kind, name))

    async def list(self, kind: type[V], where: Mapping[str, Any] | None = None) -> tuple[Entity[V], ...]:
        """See Store."""
        return await self.read(lambda tx: tx.list(kind, where).items)

    def watch(self, *kinds: type[Stored], since: int | None = None) -> AsyncGenerator[Change, None]:
        """See Store. Other processes are asked for changes only while a task waits for one."""
        position = self._latest if since is None else since
        return follow(self._notifier, self._read_changes, self._pause, {kind.kind for kind in kinds}, position)

    async def verify(self) -> None:
        """See Store."""
        from addonkit.store.verify import verify

        await self._writer.run("read the state", verify)

    async def close(self) -> None:
        """See Store. May be called again."""
        await self._writer.close()
        self._notifier.notify()

    def _look_at(self, look: Callable[[Reader], R], most: int, connection: sqlite3.Connection) -> R:
        transaction = SqliteTransaction(connection, self._codec, self._clock, most)
        connection.execute("BEGIN")  # several statements see one state
        try:
            found = look(transaction)
            refuse_awaitable(found)
            return found
        finally:
            transaction.end()
            connection.execute("ROLLBACK")

    def _committed(self, transactions: Sequence[SqliteTransaction]) -> None:
        """Take note of what this process changed, while no other work uses the connection."""
        changed = [each for each in transactions if each.latest]
        if not changed:
            return
        kinds = set[str]().union(*(each.kinds for each in changed))
        gapless = changed[0].first == self._latest + 1  # otherwise another process changed something before
        self._latest = changed[-1].latest
        self._notifier.notify(kinds if gapless else ())

    def _learn(self, latest: int) -> None:
        """Take note of the newest change of any process, while no other work uses the connection."""
        if latest > self._latest:
            self._latest = latest
            self._notifier.notify()

    def _log(self) -> tuple[int, int]:
        """Return time of writing and length of the write-ahead log: commits in one tick of the clock look alike."""
        try:
            status = self._log_path.stat()
        except OSError:
            return 0, 0
        return status.st_mtime_ns, status.st_size

    async def _read_changes(self, position: int) -> Sequence[Change]:
        if position >= self._latest:
            return ()
        changes = await self._writer.run("read the state", lambda c: read_changes(c, position, _BATCH))
        return with_missed(position, changes)

    async def _pause(self, changed: asyncio.Event) -> None:
        """Wait for a change of this process, or look for those of others."""
        with self._timer.setting(changed):
            await changed.wait()
        if self._is_due():
            await self._look()

    def _is_due(self) -> bool:
        """Return whether the file is to be asked: once for all that watch, and seldom while its log does not change."""
        since = time.monotonic() - self._looked
        return since >= _LOOK_AT_LEAST_EVERY or (since >= _LOOK_EVERY / 2 and self._log() != self._seen)

    async def _look(self) -> None:
        """Ask the file for its newest change."""
        self._seen = self._log()
        self._looked = time.monotonic()
        await self._writer.run("read the state", lambda connection: self._learn(latest_change(connection)))
