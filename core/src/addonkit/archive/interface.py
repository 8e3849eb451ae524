"""The archive that steps receive as `archive`: named members, streamed in and out."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from addonkit.models.backup import ArchiveManifest
from addonkit.models.fingerprint import Fingerprint


class ArchiveWriter(Protocol):
    """An archive that is being written. It becomes a backup when its block ends after `finish`.

    Attributes:
        written: bytes of content so far.
    """

    written: int

    async def write(self, name: str, content: AsyncIterable[bytes], size: int | None = None) -> int:
        """Write one member and return its bytes.

        Args:
            name: relative, its parts separated by `/`; unique within the archive. Never a secret.
            content: chunks of any length.
            size: bytes in all, if they are known: the member is then one file. Otherwise it is a directory of numbered
                parts, which `cat` puts together.

        Raises:
            BackupError: it cannot be written, or `content` is not as long as `size`.
        """
        ...

    async def finish(self, fingerprint: Fingerprint) -> None:
        """Write the end: the fingerprint of exactly what was written."""
        ...


class Member(Protocol):
    """A member of an archive that is being read.

    Attributes:
        name: as it was written.
        size: bytes, if it was written with a size.
    """

    name: str
    size: int | None

    def content(self) -> AsyncIterator[bytes]:
        """Yield the chunks, once; before the next member is asked for."""
        ...


class ArchiveReader(Protocol):
    """An archive that is being read, from the beginning to the end. Read by other tools than ours it is a tar file.

    Attributes:
        manifest: see ArchiveManifest.
    """

    manifest: ArchiveManifest

    @property
    def bytes_read(self) -> int:
        """Bytes of content so far."""
        ...

    def members(self) -> AsyncIterator[Member]:
        """Yield the members in the order they were written.

        Raises:
            ArchiveDamaged: the archive was changed, is cut, or does not open with the key.
        """
        ...


class Archive(Protocol):
    """The archive that a step receives as `archive`: data go there, or come from there."""

    def writing(self) -> AbstractAsyncContextManager[ArchiveWriter]:
        """Write the archive from the beginning; one that is there is replaced when the block ends.

        Nothing that looks like a backup stays when the block raises, or ends without `finish`.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[ArchiveReader]:
        """Read the archive from the beginning. What was not read is read and checked when the block ends.

        Raises:
            ArchiveDamaged: the archive was changed, is cut, or does not open with the key.
        """
        ...
