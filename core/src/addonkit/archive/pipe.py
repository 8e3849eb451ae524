"""An archive that is read while it is written, by two sagas of one process: nothing of it is kept anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import attrs

from addonkit.archive.format import check_member_name
from addonkit.errors import BackupError
from addonkit.models.backup import ArchiveManifest
from addonkit.models.fingerprint import Fingerprint

_WAITING: Final = 8
"""Chunks that wait for the reader at most."""


@attrs.frozen
class _Begin:
    name: str
    size: int | None


class _End:
    """Ends a member, or the archive."""


_END: Final = _End()
OTHER_SIDE: Final = "the other side of the copy failed"

_Item = bytes | _Begin | _End
_T = TypeVar("_T")


class Pipe:
    """See Archive. It is written once and read once.

    Args:
        manifest: of the instance that is copied.
    """

    def __init__(self, manifest: ArchiveManifest) -> None:
        self._manifest = manifest
        self._items: asyncio.Queue[_Item] = asyncio.Queue(_WAITING)
        self._broken = asyncio.Event()
        self._used: set[str] = set()
        self.read_to_end = False
        self.bytes_read = 0

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[PipeWriter]:
        """See Archive."""
        async with self._side("writing"):
            writer = PipeWriter(self)
            yield writer
            if not writer.finished:
                raise BackupError("copying data", "its addon did not write the end of them")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PipeReader]:
        """See Archive."""
        async with self._side("reading"):
            reader = PipeReader(self, self._manifest)
            yield reader
            async for _member in reader.members():
                pass
            self.read_to_end = True

    def give_up(self) -> None:
        """End the wait of both sides: one of them failed, perhaps before it opened the archive."""
        self._broken.set()

    async def give(self, item: _Item) -> None:
        """Hand an item to the reader, once it has room.

        Raises:
            BackupError: the reader failed.
        """
        if self._items.full() or self._broken.is_set():
            await self._unless_broken(asyncio.create_task(self._items.put(item)))
        else:
            self._items.put_nowait(item)

    async def take(self) -> _Item:
        """Return the next item, once there is one.

        Raises:
            BackupError: the writer failed.
        """
        if self._items.empty() or self._broken.is_set():
            return await self._unless_broken(asyncio.create_task(self._items.get()))
        return self._items.get_nowait()

    async def _unless_broken(self, task: asyncio.Task[_T]) -> _T:
        broken = asyncio.create_task(self._broken.wait())
        try:
            await asyncio.wait((task, broken), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise BackupError("copying data", OTHER_SIDE)
        finally:
            for each in (task, broken):
                each.cancel()

    @asynccontextmanager
    async def _side(self, name: str) -> AsyncIterator[None]:
        if name in self._used:
            raise BackupError("copying data", "a step was interrupted, and a copy begins from the beginning")
        self._used.add(name)
        try:
            yield
        except BaseException:
            self._broken.set()
            raise


class PipeWriter:
    """See ArchiveWriter."""

    def __init__(self, pipe: Pipe) -> None:
        self.written = 0
        self.finished = False
        self._pipe = pipe

    async def write(self, name: str, content: AsyncIterable[bytes], size: int | None = None) -> int:
        """See ArchiveWriter."""
        await self._pipe.give(_Begin(check_member_name(name), size))
        written = 0
        async for chunk in content:
            written += len(chunk)
            self.written += len(chunk)
            if chunk:
                await self._pipe.give(chunk)
        if size is not None and written != size:
            raise BackupError("copying data", f"member {name!r} has {written:,} bytes instead of {size:,}")
        await self._pipe.give(_END)
        return written

    async def finish(self, fingerprint: Fingerprint) -> None:
        """See ArchiveWriter."""
        del fingerprint
        self.finished = True
        await self._pipe.give(_END)


class PipeMember:
    """See Member."""

    def __init__(self, pipe: Pipe, begin: _Begin) -> None:
        self.name = begin.name
        self.size = begin.size
        self.ended = False
        self._pipe = pipe

    async def content(self) -> AsyncIterator[bytes]:
        """See Member."""
        while not self.ended:
            item = await self._pipe.take()
            if not isinstance(item, bytes):
                self.ended = True
                return
            self._pipe.bytes_read += len(item)
            yield item


class PipeReader:
    """See ArchiveReader."""

    def __init__(self, pipe: Pipe, manifest: ArchiveManifest) -> None:
        self.manifest = manifest
        self._pipe = pipe
        self._ended = False
        self._current: PipeMember | None = None

    @property
    def bytes_read(self) -> int:
        """See ArchiveReader."""
        return self._pipe.bytes_read

    async def members(self) -> AsyncIterator[PipeMember]:
        """See ArchiveReader."""
        while not self._ended:
            if self._current is not None:
                async for _chunk in self._current.content():
                    pass
            item = await self._pipe.take()
            if not isinstance(item, _Begin):
                self._ended = True
                return
            self._current = PipeMember(self._pipe, item)
            yield self._current
