"""Files that only their owner reads, made whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def create_private(path: Path, content: bytes) -> bool:
    """Make a file of mode 0600 with this content; False when there is one already.

    Of several processes that do this at once exactly one succeeds, and none ever sees a part of the content.

    Raises:
        OSError: when it cannot be made.
    """
    try:
        with _appearing(path) as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def copy_private(source: Path, target: Path) -> None:
    """Copy a file to a new name with mode 0600.

    Raises:
        OSError: when it cannot be made; FileExistsError when the name is taken.
    """
    with source.open("rb") as original, _appearing(target) as file:
        shutil.copyfileobj(original, file)


def make_private(path: Path) -> None:
    """Take the rights of others from a file, when it is ours and there."""
    try:
        status = path.stat()
        if status.st_mode & 0o077 and os.geteuid() in {0, status.st_uid}:
            path.chmod(0o600)
    except FileNotFoundError:
        return


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """A file to be written under another name, which appears as `path` when all of it is on disk."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
