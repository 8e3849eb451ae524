"""The layout of an archive: a tar file whose first and last members say what it is. Pure."""

from __future__ import annotations

import json
import tarfile
from pathlib import PurePosixPath
from typing import Any, Final, TypeVar

from addonkit.errors import ArchiveDamaged, BackupError
from addonkit.models.backup import FORMAT, ArchiveManifest, Trailer
from addonkit.store.codec import structure, unstructure

T = TypeVar("T")

MANIFEST: Final = "manifest.json"
TRAILER: Final = "fingerprint.json"

ITEMS: Final = "items/"
"""Members whose size was known."""

STREAMS: Final = "streams/"
"""Members whose size was not known, each a directory of numbered parts."""

PART: Final = 4 * 1024 * 1024
"""Bytes from which on what has come is a part."""

CHUNK: Final = 512 * 1024
"""Bytes that are read at once."""

END: Final = bytes(2 * tarfile.BLOCKSIZE)
"""The end of a tar file."""

_LONGEST_JSON: Final = 64 * 1024 * 1024


def header(name: str, size: int) -> bytes:
    """Return the header of a member: a file that only its owner reads."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    return info.tobuf(tarfile.PAX_FORMAT)


def padding(size: int) -> bytes:
    """Return what fills the last block of a member."""
    return bytes(-size % tarfile.BLOCKSIZE)


def check_member_name(name: str) -> str:
    """Return the name, if it stays below the directory that an archive is unpacked in.

    Raises:
        BackupError: it does not.
    """
    parts = name.split("/")
    if not name or "\0" in name or any(part in {"", ".", ".."} for part in parts) or str(PurePosixPath(name)) != name:
        raise BackupError(f"cannot use {name!r} as the name of a member", "it is not a plain relative path")
    return name


def part_name(name: str, number: int) -> str:
    """Return the name of a part; names sort like numbers as long as there are less than ten million of them."""
    return f"{STREAMS}{name}/{number:07d}"


def to_json(value: ArchiveManifest | Trailer) -> bytes:
    """Return the content of the first or last member."""
    return json.dumps(unstructure(value), indent=1).encode()


def from_json(content: bytes, kind: type[T], attempted: str) -> T:
    """Return what such a member says.

    Raises:
        ArchiveDamaged: it is not what it should be.
    """
    try:
        tree: Any = json.loads(content)
        value: T = structure(tree, kind)
    except ValueError as error:
        raise ArchiveDamaged(attempted, f"its {kind.__name__.lower()} cannot be read: {error}") from error
    return value


def check_format(manifest: ArchiveManifest, attempted: str) -> ArchiveManifest:
    """Return the manifest, if this release can read what follows it.

    Raises:
        BackupError: a newer release wrote it.
    """
    if manifest.format > FORMAT:
        found = f"its format is {manifest.format}, and this release reads up to {FORMAT}"
        raise BackupError(attempted, found, "update addonkit")
    return manifest


def check_json_size(size: int, attempted: str) -> None:
    """Raise ArchiveDamaged for a first or last member that is too long to be one."""
    if size > _LONGEST_JSON:
        raise ArchiveDamaged(attempted, f"its first or last member has {size:,} bytes")
