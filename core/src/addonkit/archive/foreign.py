"""Data of another origin as a step reads them: one member, a file or the URL of a server, which is only read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import IO, Final

from addonkit.archive.interface import ArchiveWriter
from addonkit.errors import BackupError
from addonkit.models.backup import ArchiveManifest
from addonkit.models.secret import Secret
from addonkit.util.concurrency import uninterrupted

FILE: Final = "import/file"
URL: Final = "import/url"
"""Names of the only member; the content of the second is the URL itself."""

_CHUNK: Final = 256 * 1024


class ForeignMember:
    """See Member.

    Args:
        source: path of a file, or a URL.
        files: closes the file, also when its content is not read to the end.
    """

    def __init__(self, source: Path | Secret, files: ExitStack) -> None:
        self.name = FILE if isinstance(source, Path) else URL
        self.size: int | None = None
        self.bytes_read = 0
        self._source = source
        self._files = files

    async def content(self) -> AsyncIterator[bytes]:
        """See Member."""
        if isinstance(self._source, Secret):
            yield self._source.reveal().encode()
            return
        file = await uninterrupted(asyncio.to_thread(self._open, self._source))
        while chunk := await uninterrupted(asyncio.to_thread(file.read, _CHUNK)):
            self.bytes_read += len(chunk)
            yield chunk

    def _open(self, path: Path) -> IO[bytes]:
        return self._files.enter_context(path.open("rb"))


class ForeignReader:
    """See ArchiveReader."""

    def __init__(self, source: Path | Secret, manifest: ArchiveManifest, files: ExitStack) -> None:
        self.manifest = manifest
        self._member = ForeignMember(source, files)

    @property
    def bytes_read(self) -> int:
        """Of the file."""
        return self._member.bytes_read

    async def members(self) -> AsyncIterator[ForeignMember]:
        """See ArchiveReader."""
        yield self._member


class Foreign:
    """See Archive. It cannot be written.

    Args:
        source: path of a file, or a URL, which may hold a password.
        manifest: of the instance that is filled.
    """

    def __init__(self, source: Path | Secret, manifest: ArchiveManifest) -> None:
        self._source = source
        self._manifest = manifest

    def writing(self) -> AbstractAsyncContextManager[ArchiveWriter]:
        """Refuse."""
        raise BackupError("importing data", "what they come from is only read")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ForeignReader]:
        """See Archive."""
        with ExitStack() as files:
            yield ForeignReader(self._source, self._manifest, files)
