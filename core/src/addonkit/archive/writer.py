"""Writes an archive: tar, compressed, encrypted, into a repository; bounded memory, whatever passes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from addonkit.archive.encryption import Encrypting
from addonkit.archive.format import (
    END,
    ITEMS,
    MANIFEST,
    PART,
    TRAILER,
    check_member_name,
    header,
    padding,
    part_name,
    to_json,
)
from addonkit.archive.repository import Repository
from addonkit.errors import BackupError
from addonkit.models.backup import ArchiveManifest, Trailer
from addonkit.models.fingerprint import Fingerprint
from addonkit.util.concurrency import uninterrupted

_LEVEL: Final = 1
"""Of zstd. Its default, 3, takes two to four times as long, and makes dumps a tenth smaller or none."""


class StreamWriter:
    """See ArchiveWriter."""

    def __init__(self, stream: Any, attempted: str) -> None:
        self.written = 0
        self.finished = False
        self._stream = stream
        self._attempted = attempted
        self._names: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    async def write(self, name: str, content: AsyncIterable[bytes], size: int | None = None) -> int:
        """See ArchiveWriter."""
        if self.finished:
            raise BackupError(self._attempted, f"member {name!r} comes after its end")
        if check_member_name(name) in self._names:
            raise BackupError(self._attempted, f"it has two members {name!r}")
        self._names.add(name)
        before = self.written
        await (self._write_parts(name, content) if size is None else self._write_item(name, content, size))
        return self.written - before

    async def finish(self, fingerprint: Fingerprint) -> None:
        """See ArchiveWriter."""
        if self.finished:
            raise BackupError(self._attempted, "its end was written already")
        self.finished = True
        await self.put_json(TRAILER, Trailer(fingerprint, len(self._names)))
        await self._put(END)

    async def put_json(self, name: str, value: ArchiveManifest | Trailer) -> None:
        """Write the first or the last member."""
        content = to_json(value)
        await self._put(header(name, len(content)) + content + padding(len(content)))

    async def _write_item(self, name: str, content: AsyncIterable[bytes], size: int) -> None:
        await self._put(header(ITEMS + name, size))
        left = size
        async for chunk in content:
            left -= len(chunk)
            if left < 0:
                break
            await self._put(chunk)
            self.written += len(chunk)
        if left:
            is_long = f"{-left:,} bytes more" if left < 0 else f"{left:,} bytes less"
            raise BackupError(self._attempted, f"member {name!r} has {is_long} than it was said to have")
        await self._put(padding(size))

    async def _write_parts(self, name: str, content: AsyncIterable[bytes]) -> None:
        kept: list[bytes] = []
        size = number = 0
        async for chunk in content:
            kept.append(chunk)
            size += len(chunk)
            if size >= PART:
                await self._write_part(part_name(name, number), kept, size)
                kept, size, number = [], 0, number + 1
        if size or not number:
            await self._write_part(part_name(name, number), kept, size)

    async def _write_part(self, name: str, content: Sequence[bytes], size: int) -> None:
        await self._put(header(name, size), *content, padding(size))
        self.written += size

    async def _put(self, *pieces: bytes) -> None:
        """Begin to write once what was put before is written: meanwhile the next pieces can come."""
        await self.written_all()

        def write() -> None:
            for each in pieces:
                self._stream.write(each)

        self._writing = asyncio.create_task(asyncio.to_thread(write))

    async def written_all(self) -> None:
        """Wait until everything that was put is written; raises what writing it raised."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await uninterrupted(_ended(writing))


@asynccontextmanager
async def write_archive(
    repository: Repository, path: str, manifest: ArchiveManifest, recipients: Sequence[str]
) -> AsyncIterator[StreamWriter]:
    """Write an archive under that path; it is there when the block has ended after `finish`, else nothing is.

    Raises:
        BackupError: it cannot be written, or was not finished.
    """
    import zstandard

    attempted = f"writing backup {manifest.name}"
    sink = await asyncio.to_thread(repository.create, path)
    encrypting = Encrypting(sink, recipients, attempted)
    compressor: Any = zstandard.ZstdCompressor(_LEVEL, write_checksum=True)
    compressing = compressor.stream_writer(encrypting, closefd=False)
    writer = StreamWriter(compressing, attempted)
    try:
        await writer.put_json(MANIFEST, manifest)
        yield writer
        if not writer.finished:
            raise BackupError(attempted, "its addon did not write the end of it")
        await writer.written_all()
        await uninterrupted(asyncio.to_thread(compressing.close))
        await uninterrupted(asyncio.to_thread(encrypting.close))
        await uninterrupted(asyncio.to_thread(sink.commit))
    except BrokenPipeError as error:  # the thread that writes has ended
        await uninterrupted(asyncio.to_thread(encrypting.close))
        raise BackupError(attempted, "it cannot be written") from error
    finally:
        with suppress(Exception):  # the block raises what is to be said
            await writer.written_all()
        with suppress(BackupError):
            await uninterrupted(asyncio.to_thread(encrypting.close))
        await uninterrupted(asyncio.to_thread(sink.discard))


async def _ended(task: asyncio.Task[None]) -> None:
    await task
