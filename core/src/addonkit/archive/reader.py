"""Reads an archive from its beginning to its end, checking all of it; bounded memory."""

from __future__ import annotations

import asyncio
import hashlib
import tarfile
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final

from addonkit.archive.encryption import ByteSource, Decrypting
from addonkit.archive.format import (
    CHUNK,
    ITEMS,
    MANIFEST,
    STREAMS,
    TRAILER,
    check_format,
    check_json_size,
    check_member_name,
    from_json,
)
from addonkit.errors import ArchiveDamaged
from addonkit.models.backup import ArchiveManifest, Trailer
from addonkit.util.concurrency import uninterrupted

_TAIL: Final = "there is something behind its end"


class StreamMember:
    """See Member."""

    def __init__(self, reader: StreamReader, name: str, size: int | None) -> None:
        self.name = name
        self.size = size
        self._reader = reader

    async def content(self) -> AsyncIterator[bytes]:
        """See Member."""
        while chunk := await self._reader.read_content(self):
            yield chunk


class StreamReader:
    """See ArchiveReader.

    Attributes:
        manifest: the first member.
        bytes_read: bytes of content so far.
        trailer: the last member, once it was read.
    """

    def __init__(self, tar: tarfile.TarFile, file: ForwardFile, attempted: str, pool: Executor) -> None:
        self.bytes_read = 0
        self.trailer: Trailer | None = None
        self.manifest: ArchiveManifest = None  # type: ignore[assignment]  # `begin` reads it
        self._tar = tar
        self._pool = pool
        self._attempted = attempted
        self._seen: set[str] = set()
        self._file = file
        self._unread = 0
        self._next: tarfile.TarInfo | None = None
        self._current: StreamMember | None = None

    async def begin(self) -> None:
        """Read the manifest."""
        await self._advance()
        self.manifest = check_format(await self._json(MANIFEST, ArchiveManifest), self._attempted)
        await self._advance()

    async def members(self) -> AsyncIterator[StreamMember]:
        """See ArchiveReader."""
        while True:
            await self._skip()
            if self._next is None:
                raise self._damaged("it has no end")
            if self._next.name == TRAILER:
                await self._finish()
                return
            self._current = self._member(self._next)
            yield self._current

    async def drain(self) -> Trailer:
        """Read what is left and return the last member."""
        while self.trailer is None:
            async for _member in self.members():
                pass
        return self.trailer

    async def read_content(self, member: StreamMember) -> bytes:
        """Return the next chunk of a member; empty at its end."""
        while member is self._current:
            if self._next is None:
                return b""
            if self._unread:
                chunk = await self._read(CHUNK)
                self.bytes_read += len(chunk)
                return chunk
            await self._advance()
            if member.size is not None or not self._is_part_of(member):
                self._current = None
        return b""

    def _is_part_of(self, member: StreamMember) -> bool:
        return self._next is not None and self._next.name.rpartition("/")[0] == STREAMS + member.name

    def _member(self, info: tarfile.TarInfo) -> StreamMember:
        if info.name.startswith(ITEMS):
            member = StreamMember(self, info.name.removeprefix(ITEMS), info.size)
        elif info.name.startswith(STREAMS):
            member = StreamMember(self, info.name.removeprefix(STREAMS).rpartition("/")[0], None)
        else:
            raise self._damaged(f"it has a member {info.name!r}")
        if check_member_name(member.name) in self._seen:
            raise self._damaged(f"it has two members {member.name!r}")
        self._seen.add(member.name)
        return member

    async def _skip(self) -> None:
        """Read what is left of the current member."""
        if self._current is not None:
            async for _chunk in self._current.content():
                pass

    async def _finish(self) -> None:
        self.trailer = await self._json(TRAILER, Trailer)
        if self.trailer.members != len(self._seen):
            raise self._damaged(f"it has {len(self._seen):,} members instead of {self.trailer.members:,}")
        await self._advance()
        if self._next is not None:
            raise self._damaged(_TAIL)

    async def _json(self, name: str, kind: type[Any]) -> Any:
        if self._next is None or self._next.name != name:
            raise self._damaged(f"its {name} is missing")
        check_json_size(self._next.size, self._attempted)
        return from_json(await self._read(self._next.size), kind, self._attempted)

    async def _read(self, most: int) -> bytes:
        """Read so many bytes of the member, or what is left of it."""
        wanted = min(most, self._unread)
        chunk: bytes = await self._thread(self._file.read, wanted)
        if len(chunk) < wanted:
            raise self._damaged("it is cut in the middle of a member")
        self._unread -= wanted
        return chunk

    async def _advance(self) -> None:
        self._next = await self._thread(self._tar.next)
        self._tar.members.clear()  # type: ignore[attr-defined]  # it remembers all of them, for nothing
        if self._next is not None and (self._next.issparse() or not self._next.isfile()):
            raise self._damaged(f"its member {self._next.name!r} is not a file")
        self._unread = 0 if self._next is None else self._next.size

    async def _thread(self, function: Any, *arguments: Any) -> Any:
        import zstandard

        try:
            return await uninterrupted(_in(self._pool, function, *arguments))
        except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
            raise self._damaged(f"it was changed or is cut ({error})") from error

    def _damaged(self, found: str) -> ArchiveDamaged:
        return ArchiveDamaged(self._attempted, found)


class ForwardFile:
    """A stream as `tarfile` reads headers from it, and as members are read without its many copies. Blocking.

    Args:
        stream: gives what it has, and less than was asked for at its end alone.
    """

    def __init__(self, stream: ByteSource) -> None:
        self._stream = stream
        self._place = 0

    def read(self, size: int) -> bytes:
        """See ByteSource."""
        data = self._stream.read(size)
        while len(data) < size and (more := self._stream.read(size - len(data))):
            data += more
        self._place += len(data)
        return data

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._place

    def seek(self, place: int) -> None:
        """Read and forget up to a place that was not read yet."""
        while self._place < place and self.read(min(CHUNK, place - self._place)):
            pass


class HashingSource:
    """Gives the bytes of a source and keeps their SHA-256."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """See ByteSource."""
        data = self._source.read(size)
        self._hash.update(data)
        return data

    @property
    def sha256(self) -> str:
        """Of what was read so far."""
        return self._hash.hexdigest()


@asynccontextmanager
async def read_archive(source: ByteSource, name: str, identities: Sequence[str]) -> AsyncIterator[StreamReader]:
    """Read an archive; what the block did not read is read and checked at its end.

    Raises:
        ArchiveDamaged: it was changed, is cut, or does not open with the key.
        BackupError: it cannot be read.
    """
    import zstandard

    attempted = f"reading backup {name}"
    decrypting = Decrypting(source, identities, attempted)
    with ThreadPoolExecutor(1, "addonkit-archive") as pool:  # one: each thread keeps memory that it has freed
        try:
            decompressing = zstandard.ZstdDecompressor().stream_reader(decrypting, closefd=False)  # type: ignore[arg-type]
            reader = await _opened(decompressing, attempted, pool)
            await reader.begin()
            yield reader
            await reader.drain()
            await uninterrupted(_in(pool, _read_rest, decompressing, decrypting, attempted))
        finally:
            await uninterrupted(_in(pool, decrypting.close))


async def read_manifest(source: ByteSource, name: str, identities: Sequence[str]) -> ArchiveManifest:
    """Return what an archive says about itself; no more of it is read or checked.

    Raises:
        ArchiveDamaged: its beginning was changed, or does not open with the key.
        BackupError: it cannot be read.
    """
    import zstandard

    attempted = f"reading backup {name}"
    decrypting = Decrypting(source, identities, attempted)
    with ThreadPoolExecutor(1, "addonkit-archive") as pool:
        try:
            decompressing = zstandard.ZstdDecompressor().stream_reader(decrypting, closefd=False)  # type: ignore[arg-type]
            reader = await _opened(decompressing, attempted, pool)
            await reader.begin()
            return reader.manifest
        finally:
            await uninterrupted(_in(pool, decrypting.close))


async def _in(pool: Executor, function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)


async def _opened(stream: Any, attempted: str, pool: Executor) -> StreamReader:
    import zstandard

    file = ForwardFile(stream)

    def work() -> tarfile.TarFile:
        return tarfile.open(fileobj=file, mode="r:")  # type: ignore[call-overload,no-any-return]  # it needs no more

    try:
        return StreamReader(await uninterrupted(_in(pool, work)), file, attempted, pool)
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise ArchiveDamaged(attempted, f"it is not an archive of addonkit ({error})") from error


def _read_rest(stream: Any, decrypting: Decrypting, attempted: str) -> None:
    """Read up to the very end: only then age has checked that nothing is cut off."""
    while chunk := stream.read(CHUNK):
        if chunk.strip(b"\0"):
            raise ArchiveDamaged(attempted, _TAIL)
    if decrypting.read(1):
        raise ArchiveDamaged(attempted, _TAIL)
