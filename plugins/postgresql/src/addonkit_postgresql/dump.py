"""Moves a tenant's data: `pg_dump` in the snapshot that the fingerprint is of, `pg_restore` as the owner."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, TypeVar

from addonkit import ArchiveReader, ArchiveWriter, BackupError, Fingerprint, Member, Secret, ServerAccess, Tenant
from addonkit_postgresql import admin, kept_settings, public_schema
from addonkit_postgresql.fingerprint import LOCK_LIMIT, fingerprint_of, outline_of, sequences, without_moving
from addonkit_postgresql.foreign import FOREIGN, load_foreign
from addonkit_postgresql.grants import hide_defaults, make_roles, open_database
from addonkit_postgresql.kept_settings import apply_settings, chunks, read_settings
from addonkit_postgresql.logins import passing_login
from addonkit_postgresql.naming import ADMINISTRATOR, WRITERS
from addonkit_postgresql.public_schema import drop_public, grant_first_rights, write_public
from addonkit_postgresql.restoring import restore
from addonkit_postgresql.session import Administrator, execute

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")

MEMBER: Final = "database.dump"
"""In PostgreSQL's custom format."""

_LONGEST_SOCKET: Final = 107
"""Bytes that the path of a socket may have, see unix(7)."""

_DUMP: Final = ("--format=custom", "--compress=0", "--no-subscriptions", "--no-password")
_LOCK_WAIT: Final = f"--lock-wait-timeout={LOCK_LIMIT}s"
_NO_WAITING: Final = " -c synchronous_commit=off"
"""Its many short transactions do not wait for the disk. The removal of the login does, and so for all before it."""


async def dump(server: Administrator, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
    """Write a database into an archive; the fingerprint is of the same snapshot."""
    hidden = await hide_defaults(server, tenant.claim, tenant.owner)
    async with _snapshot(server, tenant.claim) as connection:
        snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
        for role in hidden:
            await open_database(server, tenant.claim, writes=role == WRITERS)
        argv = ("pg_dump", *_DUMP, _LOCK_WAIT, f"--snapshot={snapshot}", f"--dbname={tenant.claim}")
        environment = environment_of(access, ADMINISTRATOR, await server.working_password())
        async with _meanwhile(fingerprint_of(connection, tenant.claim)) as reading:
            async with access.pipe(argv, environment) as output:
                await archive.write(MEMBER, output)
            fingerprint = await reading
        settings = await read_settings(connection, tenant.claim)
        await archive.write(kept_settings.MEMBER, chunks(settings), len(settings))
        await write_public(connection, archive)
        later = {part.name: part for part in await sequences(connection)}
    return without_moving(fingerprint, later)


async def load(server: Administrator, access: ServerAccess, tenant: Tenant, archive: ArchiveReader) -> None:
    """Fill a database from an archive, as its owner: what a dump brings along never runs as the superuser.

    Raises:
        BackupError: the archive holds no database.
    """
    await _empty(server, tenant)
    async with passing_login(server, tenant) as login:
        environment = environment_of(access, login.name, login.password, tenant.claim)
        environment["PGOPTIONS"] += _NO_WAITING
        await _fill(server, access, tenant, archive, environment)


async def _fill(
    server: Administrator,
    access: ServerAccess,
    tenant: Tenant,
    archive: ArchiveReader,
    environment: dict[str, str],
) -> None:
    loaded, members = False, archive.members()
    async for member in members:
        if member.name.startswith(FOREIGN):
            await load_foreign(server, access, tenant.claim, environment, member, members)
            return
        if member.name == MEMBER:
            await restore(server, access, tenant.claim, environment, member.content())
            loaded = True
        elif member.name == kept_settings.MEMBER:
            await apply_settings(server, tenant.claim, await _content(member))
        elif member.name == public_schema.WITHOUT:
            await drop_public(server, tenant)
        elif member.name == public_schema.RENAMED:
            await grant_first_rights(server, tenant, await _content(member))
    if not loaded:
        raise BackupError(f"loading database {tenant.claim}", f"the archive has no {MEMBER}")


async def fingerprint(server: Administrator, tenant: Tenant) -> Fingerprint:
    """Take the fingerprint of a database."""
    async with _snapshot(server, tenant.claim) as connection:
        return await fingerprint_of(connection, tenant.claim)


async def outline(server: Administrator, tenant: Tenant) -> Fingerprint:
    """Take the outline of a database."""
    async with _snapshot(server, tenant.claim) as connection:
        return await outline_of(connection, tenant.claim)


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Do something beside the block; it has ended when the block has, also when that fails."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def _snapshot(server: Administrator, database: str) -> AsyncIterator[asyncpg.Connection]:
    async with (
        server.session(database) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def _content(member: Member) -> bytes:
    return b"".join([chunk async for chunk in member.content()])


async def _empty(server: Administrator, tenant: Tenant) -> None:
    """Make the database anew: it holds nothing but what an interrupted attempt has left."""
    async with server.session() as connection:
        await execute(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", tenant.claim)
        await make_roles(connection)  # what the dump may grant to
    await admin.create_database(server, tenant.claim, tenant.claim, tenant.owner, tenant.config)


def environment_of(access: ServerAccess, user: str, password: Secret, role: str = "none") -> dict[str, str]:
    """Return how a program logs in and acts as a role: by SCRAM alone, by the socket where its path is short enough."""
    use_socket = access.socket and len(os.fsencode(access.socket)) <= _LONGEST_SOCKET
    return {
        "PGHOST": str(PurePath(access.socket).parent) if use_socket else access.host,
        "PGPORT": str(access.port),
        "PGUSER": user,
        "PGPASSWORD": password.reveal(),
        "PGREQUIREAUTH": "scram-sha-256",
        "PGSSLMODE": "disable",
        "PGAPPNAME": "addonkit",
        "PGCONNECT_TIMEOUT": "10",
        "PGOPTIONS": f"-c role={role} -c default_transaction_read_only=off -c lock_timeout=0 -c statement_timeout=0",
    }
