"""Loads data of another origin: what `pg_dump` wrote in any format, plain SQL, or a server that is read by `pg_dump`.

What is loaded is read a second time, as SQL, and compared with what came of it.
"""

from __future__ import annotations

import secrets
import tarfile
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from addonkit import BackupError, InvalidInput, Member, ServerAccess
from addonkit_postgresql.arrival import compare_with_dump
from addonkit_postgresql.inventory import Inventory
from addonkit_postgresql.plain_sql import cleaned
from addonkit_postgresql.session import Administrator, execute
from addonkit_postgresql.twice import read_twice

FOREIGN: Final = "import/"
FILE: Final = "import/file"
URL: Final = "import/url"
FOLDER: Final = "import/folder/"
"""Names of members; the content of the second is the URL, and a folder has one member for each file."""

_MAGIC: Final = b"PGDMP"
_TAR: Final = b"ustar"
_TAR_AT: Final = 257
_CONTENTS: Final = "toc.dat"
"""The first file of a dump in the tar format, and a file of one in the directory format."""

_COMPRESSED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}

_DUMP: Final = ("--format=custom", "--compress=0", "--no-password")
_OF_ORIGIN: Final = ("--no-owner", "--no-privileges", "--no-subscriptions")
_RESTORE: Final = (*_OF_ORIGIN, "--exit-on-error", "--no-tablespaces", "--no-password")
_PSQL: Final = (
    "-X",
    "--no-password",
    "--single-transaction",
    "--set=ON_ERROR_STOP=1",
    "--set=VERBOSITY=terse",
    "--output=/dev/null",
    "-f-",
)

_STAGED: Final = f"""\
folder=$1
shift
tar -xf - -C "$folder"
pg_restore --format=directory "$@" "$folder"
pg_restore --format=directory {" ".join(_OF_ORIGIN)} --file=- "$folder"
"""
"""`pg_restore` opens the files of this format by their names: they are put where the server's user can read them."""

_OPTIONS: Final = {
    "sslmode": "PGSSLMODE",
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}
_LONGEST_URL: Final = 10_000


async def load_foreign(
    server: Administrator,
    access: ServerAccess,
    database: str,
    environment: dict[str, str],
    first: Member,
    others: AsyncIterator[Member],
) -> None:
    """Fill a database, as its owner; roles, permissions and subscriptions of the origin are left out.

    Raises:
        BackupError: it is no dump that is known here, no plain SQL, or it is cut.
        CommandFailed: a program could not read the origin, or not load what it read.
        DataDiffer: something of the dump has not arrived.
    """
    dumped = Inventory()
    if first.name == FILE:
        await _load_file(server, access, database, environment, first, dumped)
    elif first.name == URL:
        url = b"".join([chunk async for chunk in first.content()])[:_LONGEST_URL].decode()
        await _restore(access, database, environment, _dumped(access, url), "custom", dumped)
    else:
        await _load_folder(access, database, environment, _chained(first, others), dumped)
    await compare_with_dump(server, access, database, environment, dumped)


async def _restore(
    access: ServerAccess,
    database: str,
    environment: dict[str, str],
    content: AsyncIterator[bytes],
    format: str,
    dumped: Inventory,
) -> None:
    """Load a dump, and read it as SQL meanwhile."""
    argv = ("pg_restore", f"--format={format}", *_RESTORE, f"--dbname={database}")
    listing = ("pg_restore", f"--format={format}", *_OF_ORIGIN, "--file=-")

    async def load(chunks: AsyncIterator[bytes]) -> None:
        async with access.pipe(argv, environment, chunks):
            return

    async def read(chunks: AsyncIterator[bytes]) -> None:
        async with access.pipe(listing, {}, chunks) as text:
            await dumped.read(text)

    await read_twice(content, load, read)


async def _dumped(access: ServerAccess, url: str) -> AsyncIterator[bytes]:
    """Yield what `pg_dump` writes; raises when that fails, so that no half of it is taken for everything."""
    async with access.pipe(("pg_dump", *_DUMP), source_environment(url)) as output:
        async for chunk in output:
            yield chunk


def source_environment(url: str) -> dict[str, str]:
    """Return how `pg_dump` logs in to a server; a password in its arguments would be seen by others.

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


async def _load_file(
    server: Administrator,
    access: ServerAccess,
    database: str,
    environment: dict[str, str],
    member: Member,
    dumped: Inventory,
) -> None:
    """Load a dump in the custom or the tar format, or plain SQL."""
    content = member.content()
    first = await anext(content, b"")
    if first.startswith(_MAGIC):
        await _restore(access, database, environment, _joined(first, content), "custom", dumped)
        return
    if first[_TAR_AT:].startswith(_TAR) and first.startswith(_CONTENTS.encode()):
        await _restore(access, database, environment, _joined(first, content), "tar", dumped)
        return
    if b"\0" in first or not first.strip():
        attempted = f"loading database {database}"
        for magic, program in _COMPRESSED.items():
            if first.startswith(magic):
                found = f"the file is compressed by {program}"
                raise BackupError(attempted, found, f"run `{program} -d` on it first")
        found = "the file is neither a dump of pg_dump nor plain SQL"
        raise BackupError(attempted, found, "write it with `pg_dump -Fc`")
    sql = cleaned(_joined(first, content), secrets.token_hex(16), dumped)
    await _load_sql(server, access, database, environment, sql)


async def _load_sql(
    server: Administrator, access: ServerAccess, database: str, environment: dict[str, str], sql: AsyncIterator[bytes]
) -> None:
    """Run SQL in one transaction, which ends with a mark: with it, all before it was done.

    Raises:
        BackupError: `psql` has ended well and the mark is not there.
    """
    mark = f"addonkit_{secrets.token_hex(8)}"
    argv = ("psql", *_PSQL, f"--dbname={database}")
    async with access.pipe(argv, environment, _joined_with(sql, f'CREATE SCHEMA "{mark}";\n'.encode())):
        pass
    async with server.session(database) as connection:
        marked = await connection.fetchval("SELECT true FROM pg_namespace WHERE nspname = $1", mark)
        if not marked:
            found = "psql reported no error, and has not run the file to its end"
            raise BackupError(f"loading database {database}", found)
        await execute(connection, "DROP SCHEMA %I", mark)


async def _load_folder(
    access: ServerAccess,
    database: str,
    environment: dict[str, str],
    members: AsyncIterator[Member],
    dumped: Inventory,
) -> None:
    """Load a dump in the directory format."""
    argv = ("/bin/sh", "-euc", _STAGED, "sh", "{scratch}", *_RESTORE, f"--dbname={database}")
    async with access.pipe(argv, environment, _as_tar(database, members)) as text:
        await dumped.read(text)


async def _as_tar(database: str, members: AsyncIterator[Member]) -> AsyncIterator[bytes]:
    attempted, found = f"loading database {database}", False
    advice = "write one with `pg_dump -Fd`"
    async for member in members:
        name, size = member.name.removeprefix(FOLDER), member.size or 0
        if "/" in name:
            raise BackupError(attempted, f"the folder is no dump: it has {name}", advice)
        found = found or name == _CONTENTS
        about = tarfile.TarInfo(name)
        about.size, about.mode = size, 0o600
        yield about.tobuf(tarfile.PAX_FORMAT)
        read = 0
        async for chunk in member.content():
            read += len(chunk)
            yield chunk
        if read != size:
            raise BackupError(attempted, f"{name} has changed while it was read")
        yield bytes(-size % tarfile.BLOCKSIZE)
    if not found:
        raise BackupError(attempted, f"the folder has no {_CONTENTS}", advice)
    yield bytes(2 * tarfile.BLOCKSIZE)


async def _chained(first: Member, rest: AsyncIterator[Member]) -> AsyncIterator[Member]:
    yield first
    async for member in rest:
        yield member


async def _joined(first: bytes, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in content:
        yield chunk


async def _joined_with(content: AsyncIterator[bytes], last: bytes) -> AsyncIterator[bytes]:
    async for chunk in content:
        yield chunk
    yield last
