"""Names of backups and paths of their archives. Pure."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import Final

SUFFIX: Final = ".tar.zst.age"
"""Of an archive."""

PROOF_SUFFIX: Final = ".verified.json"
"""Of the file beside an archive that says that it was verified."""

_TIME: Final = "%Y%m%dT%H%M%SZ"
_PARTS: Final = 0x10000
"""Of a second: 15 microseconds each."""
_PATH: Final = re.compile(
    r"(?P<name>(?P<instance>[^/]+)/(?P<time>\d{8}T\d{6}Z)-[0-9a-f]{4,8})"
    r"\.(?P<addon>[a-z0-9][a-z0-9-]*)" + re.escape(SUFFIX)
)


def new_backup_name(instance: str, now: datetime) -> str:
    """Return the name of a backup that is begun now: `shop-postgresql/20261126T030000Z-9f3a1c07`.

    Four digits say which part of the second it is, so that names sort by time; four are random, so that no two
    are the same.
    """
    part = now.microsecond * _PARTS // 1_000_000
    return f"{instance}/{now.astimezone(UTC):{_TIME}}-{part:04x}{secrets.token_hex(2)}"


def archive_path(name: str, addon: str) -> str:
    """Return where its archive is, below the repository."""
    return f"{name}.{addon}{SUFFIX}"


def parse_path(path: str) -> tuple[str, str, datetime] | None:
    """Return name, addon and time of the backup whose archive has this path; None for other files."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    return match["name"], match["addon"], datetime.strptime(match["time"], _TIME).replace(tzinfo=UTC)
