"""Repositories of archives: a directory, or any service that fsspec knows. Listing needs nothing but the repository."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from addonkit.archive.directory import FileSink
from addonkit.archive.names import PROOF_SUFFIX, SUFFIX, parse_path
from addonkit.errors import AddonkitError, BackupError, InvalidInput, UnknownBackup
from addonkit.models.backup import Backup

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class Sink(Protocol):
    """Takes the bytes of an archive, which is there after `commit` and not before. Blocking."""

    def write(self, data: bytes, /) -> int:
        """Take them all."""
        ...

    def commit(self) -> None:
        """Make the archive appear, whole."""
        ...

    def discard(self) -> None:
        """Leave nothing behind. Does nothing after `commit`."""
        ...


class Repository:
    """Archives below one URL. All methods block.

    Args:
        url: of fsspec, as `file:///srv/backups` or `s3://bucket/prefix`; a plain path is a directory of this machine.
        options: for the file system, such as an endpoint.

    Raises:
        InvalidInput: no installed package knows this kind of URL.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.url = url.rstrip("/")
        self._files, self._root = _open(url, options or {})
        self._root = self._root.rstrip("/")

    @property
    def directory(self) -> Path | None:
        """The directory, if the repository is one of this machine."""
        protocol = self._files.protocol
        is_local = "file" in ((protocol,) if isinstance(protocol, str) else protocol)
        return Path(self._root) if is_local else None

    def create(self, path: str) -> Sink:
        """Begin an archive."""
        with _translated(f"writing to {self.url}"):
            if self.directory is not None:
                return FileSink(self.directory / path)
            return _RemoteSink(self._files, self._at(path), self.url)

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """Read an archive.

        Raises:
            UnknownBackup: there is none.
        """
        with _translated(f"reading {self.url}/{path}"):
            file = self._files.open(self._at(path), "rb")
        with contextlib.closing(file):
            yield file

    def read(self, path: str) -> bytes | None:
        """Return the content of a small file; None when there is none."""
        with _translated(f"reading {self.url}/{path}"):
            try:
                content: bytes = self._files.cat_file(self._at(path))
            except FileNotFoundError:
                return None
            return content

    def write(self, path: str, content: bytes) -> None:
        """Write a small file, whole or not at all."""
        sink = self.create(path)
        try:
            with _translated(f"writing to {self.url}"):
                sink.write(content)
                sink.commit()
        finally:
            sink.discard()

    def delete(self, path: str) -> None:
        """Delete a file. Does nothing if it does not exist."""
        with _translated(f"deleting {self.url}/{path}"), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._at(path))

    def backups(self, instance: str = "") -> tuple[Backup, ...]:
        """Return what is there, of one instance or of all; without proofs, oldest first."""
        with _translated(f"listing {self.url}"):
            self._files.invalidate_cache()
            found = self._files.find(f"{self._root}/{instance}" if instance else self._root, detail=True)
        return tuple(sorted(self._backups(found), key=lambda each: (each.created, each.name)))

    def proofs(self, instance: str = "") -> frozenset[str]:
        """Return paths of the archives that have a file that says that they were verified."""
        with _translated(f"listing {self.url}"):
            found = self._files.find(f"{self._root}/{instance}" if instance else self._root)
        names = (self._below(each) for each in found)
        return frozenset(each.removesuffix(PROOF_SUFFIX) + SUFFIX for each in names if each.endswith(PROOF_SUFFIX))

    def _backups(self, found: Mapping[str, Mapping[str, Any]]) -> Iterator[Backup]:
        for full, info in found.items():
            path = self._below(full)
            parsed = parse_path(path)
            if parsed is not None:
                name, addon, created = parsed
                yield Backup(name, addon, created, int(info.get("size") or 0), f"{self.url}/{path}")

    def _below(self, full: str) -> str:
        return full.removeprefix(self._root).lstrip("/")

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"


class _RemoteSink:
    """An upload that the service completes at once: an object store shows nothing of one that is not complete."""

    def __init__(self, files: AbstractFileSystem, path: str, url: str) -> None:
        self._url = url
        self._open: Any = files.open(path, "wb", autocommit=False)

    def write(self, data: bytes, /) -> int:
        with _translated(f"writing to {self._url}"):
            self._open.write(data)
        return len(data)

    def commit(self) -> None:
        with _translated(f"writing to {self._url}"):
            self._open.close()
            self._open.commit()
        self._open = None

    def discard(self) -> None:
        file, self._open = self._open, None
        if file is None:
            return
        with contextlib.suppress(Exception):  # what was uploaded is invisible; the service sweeps it
            file.discard()
        file.closed = True  # else it would be flushed when it is collected


def _open(url: str, options: Mapping[str, Any]) -> tuple[AbstractFileSystem, str]:
    import fsspec

    try:
        files, root = fsspec.core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True, **options)
    except (ImportError, ValueError) as error:
        raise InvalidInput(f"cannot use {url} as repository of backups", str(error)) from error
    return files, root


@contextmanager
def _translated(attempted: str) -> Iterator[None]:
    """Yield a service fails in its own words."""
    try:
        yield
    except AddonkitError:
        raise
    except FileNotFoundError as error:
        raise UnknownBackup(attempted, "there is no such file", "see `addonkit backup list`") from error
    except Exception as error:
        raise BackupError(attempted, " ".join(str(error).split()) or type(error).__name__) from error
