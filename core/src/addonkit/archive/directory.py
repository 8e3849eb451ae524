"""Archives in a directory of this machine: written beside, synced, then renamed. Blocking."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from addonkit.errors import BackupError
from addonkit.util.files import make_directory, sync_directory


class FileSink:
    """See Sink. Only the owner reads the file.

    Raises:
        BackupError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        with self._translated():
            make_directory(path.parent, 0o700, parents=0o700)
            _sweep(path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.fdopen(os.open(self._draft, flags, 0o600), "wb", buffering=0)

    def write(self, data: bytes, /) -> int:
        """See Sink."""
        view = memoryview(data)
        with self._translated():
            while view:
                view = view[self._file.write(view) or 0 :]
        return len(data)

    def commit(self) -> None:
        """See Sink."""
        with self._translated():
            os.fsync(self._file.fileno())
            self._file.close()
            self._draft.replace(self._path)
            sync_directory(self._path.parent)

    def discard(self) -> None:
        """See Sink."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._draft.unlink(missing_ok=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BackupError(f"writing {self._path}", error.strerror or str(error)) from error


def _sweep(path: Path) -> None:
    """Remove what an interrupted attempt to write the same archive has left."""
    for each in path.parent.glob(f".{path.name}.*.partial"):
        each.unlink(missing_ok=True)
