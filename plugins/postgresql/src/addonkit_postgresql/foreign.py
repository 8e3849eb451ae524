"""Loads data of another origin: a dump of `pg_dump`, custom or plain SQL, or a server that is read by it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from addonkit import BackupError, InvalidInput, Member, ServerAccess
from addonkit_postgresql.plain_sql import cleaned

FILE: Final = "import/file"
URL: Final = "import/url"
"""Names of the only member of what is imported; the content of the second is the URL."""

_MAGIC: Final = b"PGDMP"
_DUMP: Final = ("--format=custom", "--compress=0", "--no-subscriptions", "--no-tablespaces", "--no-password")
_RESTORE: Final = (
    "pg_restore",
    "--format=custom",
    "--no-owner",
    "--no-privileges",
    "--exit-on-error",
    "--no-tablespaces",
    "--no-password",
)
_PSQL: Final = (
    "-X",
    "-q",
    "--no-password",
    "--single-transaction",
    "--set=ON_ERROR_STOP=1",
    "--set=VERBOSITY=terse",
    "--output=/dev/null",
    "-f-",
)
_OPTIONS: Final = {
    "sslmode": "PGSSLMODE",
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}
_LONGEST_URL: Final = 10_000


async def load_foreign(access: ServerAccess, database: str, environment: dict[str, str], member: Member) -> None:
    """Fill a database, as its owner; roles and permissions of the origin are left out.

    Raises:
        BackupError: it is neither a dump in the custom format nor plain SQL, or it is cut.
        CommandFailed: a program could not read the origin, or not load what it read.
    """
    if member.name == FILE:
        await _load_file(access, database, environment, member)
        return
    url = b"".join([chunk async for chunk in member.content()])[:_LONGEST_URL].decode()
    async with access.pipe((*_RESTORE, f"--dbname={database}"), environment, _dumped(access, url)):
        return


async def _dumped(access: ServerAccess, url: str) -> AsyncIterator[bytes]:
    """What `pg_dump` writes; raises when that fails, so that no half of it is taken for everything."""
    async with access.pipe(("pg_dump", *_DUMP), source_environment(url)) as output:
        async for chunk in output:
            yield chunk


def source_environment(url: str) -> dict[str, str]:
    """How `pg_dump` logs in to a server; a password in its arguments would be seen by others.

    Raises:
        InvalidInput: the URL has something that is not known here.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    unknown = sorted(options.keys() - _OPTIONS.keys())
    if unknown or not parts.hostname or "," in parts.netloc:
        found = f"its option {unknown[0]} is not known here" if unknown else "it names no single host"
        raise InvalidInput("cannot import from that URL", found)
    return {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
        "PGCONNECT_TIMEOUT": "10",
        "PGAPPNAME": "addonkit",
        "PGOPTIONS": "-c default_transaction_read_only=on",
        **{_OPTIONS[name]: value for name, value in options.items()},
    }


async def _load_file(access: ServerAccess, database: str, environment: dict[str, str], member: Member) -> None:
    """Load a dump in the custom format, or plain SQL."""
    content = member.content()
    first = await anext(content, b"")
    if first.startswith(_MAGIC):
        async with access.pipe((*_RESTORE, f"--dbname={database}"), environment, _joined(first, content)):
            return
    if b"\0" in first or not first.strip():
        found = "the file is neither a dump in the custom format nor plain SQL; `pg_dump -Fc` writes the one"
        raise BackupError(f"loading database {database}", found, "decompress it first if it is compressed")
    argv = ("psql", *_PSQL, f"--dbname={database}")
    async with access.pipe(argv, environment, cleaned(_joined(first, content), secrets.token_hex(16))):
        return


async def _joined(first: bytes, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in content:
        yield chunk
