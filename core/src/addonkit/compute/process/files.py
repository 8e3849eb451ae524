"""Writes files for servers: private, whole or not at all, owned by who reads them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from addonkit.compute.process.placeholders import Places
from addonkit.compute.process.user import ServiceUser, own
from addonkit.models.compute import File


def write_files(files: Iterable[File], places: Places, user: ServiceUser | None) -> tuple[Path, ...]:
    """Write the files of a Program with mode 0600; returns their paths. One with `once` is kept if it is there."""
    return tuple(_write(Path(places.fill(file.path)), file, places, user) for file in files)


def _write(path: Path, file: File, places: Places, user: ServiceUser | None) -> Path:
    if file.once and path.exists():
        return path
    write_private(path, places.fill(file.content).encode(), user)
    return path


def write_private(path: Path, content: bytes, user: ServiceUser | None = None) -> None:
    """Replace a file atomically by one of mode 0600."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        own(user, draft)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
