"""Moves what an app has on a server: its keys, their expiries, and its functions where it may have some."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from addonkit import (
    ArchiveReader,
    ArchiveWriter,
    BackupError,
    DataDiffer,
    Fingerprint,
    Member,
    Part,
    ServerAccess,
    SetDigest,
    Tenant,
    describe_differences,
)
from addonkit_valkey.acl import prefix_of
from addonkit_valkey.admin import Administrator, databases, drop_keys
from addonkit_valkey.digests import DatabaseDigests, packed
from addonkit_valkey.rdb import loaded
from addonkit_valkey.resp import Command, commands, encode
from addonkit_valkey.walk import Wire, walk

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

FUNCTIONS: Final = "functions.resp"
KEYS: Final = "keys.resp"
"""Members of an archive: commands, which `valkey-cli --pipe` runs too."""

FOREIGN: Final = "import/"
FILE: Final = "import/file"
"""Names of the only member of what is imported: an RDB, or the URL of another server."""

_AT_ONCE: Final = 500
_BYTES: Final = 2 * 1024 * 1024
"""Commands, or bytes of them, that are sent before their answers are read."""

_SYNCED: Final = 60_000
"""Milliseconds that the server may take to write what it was given to its disk."""


async def dump(server: Administrator, tenant: Tenant, archive: ArchiveWriter, *, shared: bool) -> Fingerprint:
    """Write an app's keys; the fingerprint is made of each key in the moment in which it is read."""
    parts: list[Part] = []
    async with _session(server, f"dumping the keys of {tenant.claim}") as (client, wire):
        if not shared and (functions := await _functions(wire)):
            parts.append(functions)
            await archive.write(FUNCTIONS, _one(await wire.run("FUNCTION", "DUMP")))
        await archive.write(KEYS, _keys(client, wire, _prefix(tenant, shared), parts))
    return Fingerprint(tuple(parts))


async def fingerprint(server: Administrator, tenant: Tenant, *, shared: bool) -> Fingerprint:
    """Take the fingerprint of what an app has now."""
    parts: list[Part] = []
    async with _session(server, f"reading the keys of {tenant.claim}") as (client, wire):
        if not shared and (functions := await _functions(wire)):
            parts.append(functions)
        async for _chunk in _keys(client, wire, _prefix(tenant, shared), parts, dumps=False):
            pass
    return Fingerprint(tuple(parts))


async def load(
    server: Administrator, access: ServerAccess, tenant: Tenant, archive: ArchiveReader, *, shared: bool
) -> None:
    """Fill an app's place from an archive; what an interrupted attempt left is removed first.

    Raises:
        BackupError: the archive holds something else, or the server does not take it.
        DataDiffer: something of another origin has not arrived.
    """
    attempted = f"loading the keys of {tenant.claim}"
    prefix = _prefix(tenant, shared)
    async with _session(server, attempted) as (client, wire):
        await _empty(client, wire, prefix)
        found = False
        async for member in archive.members():
            if member.name.startswith(FOREIGN):
                async with _origin(access, member, attempted) as origin:
                    await _copy(origin, client, wire, prefix, attempted)
                found = True
                continue
            if member.name not in {KEYS, FUNCTIONS}:
                raise BackupError(attempted, f"the archive has a member {member.name!r}")
            found = found or member.name == KEYS
            await _send(wire, _checked(commands(member.content(), attempted), prefix, attempted))
        if not found:
            raise BackupError(attempted, f"the archive has no {KEYS}")
        await _sync(wire)


async def _keys(
    client: Valkey,
    wire: Wire,
    prefix: bytes,
    parts: list[Part],
    *,
    dumps: bool = True,
) -> AsyncIterator[bytes]:
    """Yield commands that make the keys of all databases, and add to the parts what they are."""
    for database in databases(await client.info("keyspace")):
        await wire.run("SELECT", database)
        digests, begun = DatabaseDigests(database), False
        async for each in walk(wire, prefix, dumps=dumps):
            if not begun:
                begun = True
                yield encode(b"SELECT", b"%d" % database)
            digests.add(each.value)
            expires = b"%d" % max(each.value.expires, 0)
            yield encode(b"RESTORE", each.value.key, expires, each.dump, b"REPLACE", b"ABSTTL")
        parts += digests.parts()


@asynccontextmanager
async def _origin(access: ServerAccess, member: Member, attempted: str) -> AsyncIterator[Valkey]:
    """Yield a connection to what data are imported from, which is only read.

    Raises:
        BackupError: it cannot be reached, or does not let its keys be read.
    """
    from valkey.asyncio import Valkey
    from valkey.exceptions import ValkeyError

    if member.name == FILE:
        async with loaded(access, member, attempted) as client:
            yield client
        return
    url = b"".join([chunk async for chunk in member.content()]).decode()
    options: dict[str, Any] = {"single_connection_client": True, "socket_timeout": 60, "socket_connect_timeout": 10}
    try:
        async with Valkey.from_url(url, **options) as client:
            yield client
    except ValkeyError as error:
        raise BackupError("reading the other server", str(error)) from error


async def _copy(origin: Valkey, client: Valkey, wire: Wire, prefix: bytes, attempted: str) -> None:
    """Copy all that another server has, then compare.

    Raises:
        DataDiffer: something has not arrived.
    """
    from valkey.exceptions import ResponseError

    parts: list[Part] = []
    source = Wire(origin)
    functions = None
    with suppress(ResponseError):  # a login that may not list functions has none
        functions = await _functions(source)
    if functions:
        parts.append(functions)
        await _send(wire, _checked(commands(_one(await source.run("FUNCTION", "DUMP")), attempted), prefix, attempted))
    await _send(wire, _checked(commands(_keys(origin, source, b"", parts), attempted), prefix, attempted))
    arrived = [] if prefix else [each for each in (await _functions(wire),) if each]
    async for _chunk in _keys(client, wire, prefix, arrived, dumps=False):
        pass
    found = Fingerprint(tuple(parts)).differences(Fingerprint(tuple(arrived)), datetime.now(UTC))
    if found:
        raise DataDiffer(attempted, describe_differences(found), differences=list(found))


async def _functions(wire: Wire) -> Part | None:
    """Return what libraries of functions there are; None when there is none."""
    digest = SetDigest()
    for library in await wire.run("FUNCTION", "LIST", "WITHCODE"):
        told = dict(zip(library[::2], library[1::2], strict=True))
        digest.add(packed(told[b"library_name"], told[b"engine"], told[b"library_code"]))
    return digest.part("functions", "libraries") if digest.count else None


async def _one(payload: bytes) -> AsyncIterator[bytes]:
    yield encode(b"FUNCTION", b"RESTORE", payload, b"REPLACE")


async def _checked(found: AsyncIterator[Command], prefix: bytes, attempted: str) -> AsyncIterator[Command]:
    """Let only commands through that fill the place, each key under the prefix."""
    async for command in found:
        match command:
            case (b"SELECT", _):
                yield command
            case (b"RESTORE", key, expires, dump, b"REPLACE", b"ABSTTL"):
                yield (b"RESTORE", prefix + key, expires, dump, b"REPLACE", b"ABSTTL")
            case (b"FUNCTION", b"RESTORE", _, b"REPLACE") if not prefix:
                yield command
            case (b"FUNCTION", *_):
                raise BackupError(attempted, "it has functions, which no app on a shared server can have")
            case _:
                raise BackupError(attempted, "it has other commands than those that restore keys")


async def _send(wire: Wire, found: AsyncIterator[Command]) -> None:
    waiting: list[Command] = []
    size = 0
    async for command in found:
        waiting.append(command)
        size += sum(map(len, command))
        if len(waiting) >= _AT_ONCE or size >= _BYTES:
            await wire.run_all(waiting)
            waiting, size = [], 0
    if waiting:
        await wire.run_all(waiting)


async def _empty(client: Valkey, wire: Wire, prefix: bytes) -> None:
    if prefix:
        await drop_keys(client, prefix.decode(), lambda _said: None)
        await wire.run("SELECT", 0)
        return
    await wire.run_all([("FLUSHALL",), ("FUNCTION", "FLUSH")])


async def _sync(wire: Wire) -> None:
    """Wait until the disk has it, where the server keeps anything and can be asked for that."""
    from valkey.exceptions import ResponseError

    with suppress(ResponseError):
        await wire.run("WAITAOF", 1, 0, _SYNCED)


def _prefix(tenant: Tenant, shared: bool) -> bytes:  # noqa: FBT001 - the word of the whole module
    return prefix_of(tenant.claim).encode() if shared else b""


@asynccontextmanager
async def _session(server: Administrator, attempted: str) -> AsyncIterator[tuple[Valkey, Wire]]:
    from valkey.exceptions import ResponseError

    async with server.session() as client:
        try:
            yield client, Wire(client)
        except ResponseError as error:
            raise BackupError(attempted, f"the server says: {error}") from error
