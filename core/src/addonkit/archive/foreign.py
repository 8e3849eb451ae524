"""Data of another origin as a step reads them: a file, the files of a folder, or the URL of a server. Only read."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator
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

FOLDER: Final = "import/folder/"
"""Beginning of the names of all members when the source is a folder; the path in the folder follows."""

_CHUNK: Final = 256 * 1024


class ForeignMember:
    """See Member.

    Args:
        name: of the member.
        source: path of a file, or a URL.
        size: bytes of the file when it was found; None for a URL.
        files: closes the file, also when its content is not read to the end.
    """

    def __init__(self, name: str, source: Path | Secret, size: int | None, files: ExitStack) -> None:
        self.name = name
        self.size = size
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
        self._source = source
        self._files = files
        self._before = 0
        self._member: ForeignMember | None = None

    @property
    def bytes_read(self) -> int:
        """Of the files."""
        return self._before + (self._member.bytes_read if self._member else 0)

    async def members(self) -> AsyncIterator[ForeignMember]:
        """See ArchiveReader."""
        source = self._source
        if isinstance(source, Secret):
            yield ForeignMember(URL, source, None, self._files)
        elif not await asyncio.to_thread(source.is_dir):
            yield self._of_file(FILE, source, (await asyncio.to_thread(source.stat)).st_size, self._files)
        else:
            found = await asyncio.to_thread(lambda: tuple(_files_in(source)))
            if not found:
                raise BackupError(f"importing {source}", "the folder has no file")
            for path, size in found:
                with ExitStack() as files:  # a folder may have more files than a process may have open
                    yield self._of_file(f"{FOLDER}{path.relative_to(source).as_posix()}", path, size, files)

    def _of_file(self, name: str, path: Path, size: int, files: ExitStack) -> ForeignMember:
        self._before = self.bytes_read
        self._member = ForeignMember(name, path, size, files)
        return self._member


class Foreign:
    """See Archive. It cannot be written.

    Args:
        source: path of a file or a folder, or a URL, which may hold a password.
        manifest: of the instance that is filled.
    """

    def __init__(self, source: Path | Secret, manifest: ArchiveManifest) -> None:
        self._source = source
        self._manifest = manifest

    def writing(self) -> AbstractAsyncContextManager[ArchiveWriter]:
        """Refuse."""
        raise BackupError("importing data", "their origin is only read")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ForeignReader]:
        """See Archive."""
        with ExitStack() as files:
            yield ForeignReader(self._source, self._manifest, files)


def _files_in(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield all files below a folder with their sizes, in the order of their names. Blocking.

    Raises:
        BackupError: something in it is neither a file nor a folder, or cannot be read: it would be left out.
    """

    def refuse(error: OSError) -> None:
        raise BackupError(f"importing {folder}", f"{error.filename}: {error.strerror}") from error

    for directory, folders, files in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted((*files, *(each for each in folders if Path(directory, each).is_symlink()))):
            path = Path(directory, name)
            try:
                about = path.stat()
            except OSError as error:
                raise BackupError(f"importing {folder}", f"{path}: {error.strerror}") from error
            if not stat.S_ISREG(about.st_mode):
                kind = "a link to a folder" if path.is_dir() else "no file"
                raise BackupError(f"importing {folder}", f"{path} is {kind}", "remove it, or put a copy there")
            yield path, about.st_size
