"""Makes a copy of a cluster one of its own: its system identifier, nonce and superuser's password. Blocking.

What is written follows the formats of `pg_control`, of WAL pages and of data pages. Each is proved by its own checksum
before it is changed: a version of PostgreSQL that has another format is left to `initdb`.
"""

from __future__ import annotations

import re
import secrets
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from addonkit_postgresql.checksums import crc32c, page_checksum
from addonkit_postgresql.scram import ITERATIONS, verifier

_BLOCK: Final = 8192
_SHUT_DOWN: Final = 1
"""DB_SHUTDOWNED: nothing in the WAL has to be done again."""

_NONCE_ENDS: Final = {1300: 0, 1700: 0, 1800: 3}
"""Versions of `pg_control` (of PostgreSQL 13 to 16, 17, and 18), and bytes between its nonce and its checksum."""
_NONCE: Final = 32

_LEAST, _MOST = 200, 508
"""Where the checksum of `pg_control` may be: it has at most 512 bytes of content."""

_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
_LONG_HEADER: Final = 0x0002
"""Flag of the first page of a segment, which names the system."""
_SYSTEM_AT: Final = 24

_ROLES: Final = "global/1260"
"""The file of pg_authid in a new cluster."""
_VERIFIER: Final = re.compile(rb"SCRAM-SHA-256\$4096:[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}")
_CHECKSUM_AT: Final = 8


class UnknownFormat(Exception):
    """A file of a cluster is not as this module knows it."""


def adapt(cluster: Path, values: Mapping[str, str]) -> None:
    """Give a copy of a cluster that was shut down an identity of its own.

    Args:
        cluster: its data directory, which no server uses.
        values: `password` is that of its superuser from now on.

    Raises:
        UnknownFormat: a file is not as expected; the copy is of no use then.
    """
    former, new = _identify(cluster / "global/pg_control")
    segments = [path for path in (cluster / "pg_wal").iterdir() if _SEGMENT.fullmatch(path.name)]
    if not segments:
        raise UnknownFormat("the cluster has no WAL")
    for segment in segments:
        _rename_system(segment, former, new)
    _set_password(cluster / _ROLES, values["password"])


def _identify(control: Path) -> tuple[int, int]:
    """Write a new identifier and a new nonce; returns the former and the new identifier."""
    content = bytearray(control.read_bytes())
    end = _checksum_position(content)
    identifier, version, _catalog, state = struct.unpack_from("=QIII", content)
    if version not in _NONCE_ENDS:
        raise UnknownFormat(f"pg_control has version {version}")
    if state != _SHUT_DOWN:
        raise UnknownFormat(f"the cluster was not shut down (state {state})")
    # As PostgreSQL makes them: seconds of now in the upper half, what differs within one in the lower.
    new = int(time.time()) << 32 | secrets.randbits(32)
    struct.pack_into("=Q", content, 0, new)
    nonce_end = end - _NONCE_ENDS[version]
    content[nonce_end - _NONCE : nonce_end] = secrets.token_bytes(_NONCE)
    struct.pack_into("=I", content, end, crc32c(bytes(content[:end])))
    control.write_bytes(content)
    return identifier, new


def _checksum_position(content: bytes | bytearray) -> int:
    """Return where the checksum of `pg_control` is: the only place that holds that of all before it."""
    for position in range(_LEAST, min(_MOST, len(content) - 4) + 1, 4):
        if struct.unpack_from("=I", content, position)[0] == crc32c(bytes(content[:position])):
            return position
    raise UnknownFormat("pg_control has no checksum where it should be")


def _rename_system(segment: Path, former: int, new: int) -> None:
    with segment.open("r+b") as file:
        header = file.read(_SYSTEM_AT + 8)
        _magic, flags = struct.unpack_from("=HH", header)
        if not flags & _LONG_HEADER or struct.unpack_from("=Q", header, _SYSTEM_AT)[0] != former:
            raise UnknownFormat(f"WAL segment {segment.name} is of another system")
        file.seek(_SYSTEM_AT)
        file.write(struct.pack("=Q", new))


def _set_password(roles: Path, password: str) -> None:
    """Replace the verifier in the table of roles by one of the same length."""
    content = bytearray(roles.read_bytes())
    found = list(_VERIFIER.finditer(content))
    if not found:
        raise UnknownFormat("no role has a verifier")
    written = verifier(password).encode()
    for number in {match.start() // _BLOCK for match in found}:
        _check_page(content, number)
    for match in found:
        if match.end() - match.start() != len(written) or f"${ITERATIONS}:".encode() not in match[0]:
            raise UnknownFormat("the verifier of a role has another length")
        content[match.start() : match.end()] = written
    for number in {match.start() // _BLOCK for match in found}:
        if _stored_checksum(content, number):
            struct.pack_into("=H", content, number * _BLOCK + _CHECKSUM_AT, _checksum(content, number))
    roles.write_bytes(content)


def _check_page(content: bytes | bytearray, number: int) -> None:
    stored = _stored_checksum(content, number)
    if stored and stored != _checksum(content, number):
        raise UnknownFormat(f"page {number} of the table of roles has another checksum")


def _stored_checksum(content: bytes | bytearray, number: int) -> int:
    """Return the checksum in a page's header; 0 in a cluster without them."""
    return int(struct.unpack_from("=H", content, number * _BLOCK + _CHECKSUM_AT)[0])


def _checksum(content: bytes | bytearray, number: int) -> int:
    return page_checksum(bytes(content[number * _BLOCK : (number + 1) * _BLOCK]), number)
