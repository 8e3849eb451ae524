"""Copies a server of its own into another one of the same build: the data directory, by `pg_basebackup`.

All that can fail happens in a folder beside the data. The copy replaces them once no login of the source fits there.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from addonkit import CommandFailed, ServerAccess, Stopped, Tenant, TransientError
from addonkit_postgresql.adopting import adopt
from addonkit_postgresql.dump import environment_of
from addonkit_postgresql.naming import ADMINISTRATOR
from addonkit_postgresql.scram import verifier
from addonkit_postgresql.session import Administrator, ServerFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

_LOOK: Final = """
    SELECT current_setting('server_version_num')::int >= 150000
        AND current_setting('max_prepared_transactions') = '0'
        AND NOT EXISTS (SELECT FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global'))
        AND NOT EXISTS (SELECT FROM pg_subscription)
        AND NOT EXISTS (SELECT FROM pg_class WHERE relpersistence = 'u')
        AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid())
        AND ($1 = current_database() OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
            AND NOT EXISTS (SELECT FROM pg_database WHERE datname = $1)) AS fits,
        pg_database_size(current_database()) AS size,
        (SELECT coalesce(sum(pg_database_size(oid)), 0)::bigint FROM pg_database
            WHERE datname NOT IN (current_database(), 'postgres', 'template0', 'template1')) AS others
"""
"""Files of unlogged tables do not come along. A transaction that writes makes the copy one of another moment."""

_BUILD: Final = """
    SELECT version() AS program, (SELECT to_jsonb(d) - ARRAY['oid', 'datname', 'datdba', 'datistemplate',
        'datallowconn', 'datconnlimit', 'datfrozenxid', 'datminmxid', 'dattablespace', 'datacl', 'dathasloginevt']
        FROM pg_database d WHERE datname = $1) AS texts
"""
"""Program and machine, and how texts are ordered in the database; null where an interrupted attempt has renamed it."""

_SCRATCH: Final = "addonkit.copy."
"""Begins the names of folders beside the data."""

_CLEAR: Final = 'rm -rf "$1/$2"*'
_HAS_ROOM: Final = """\
df -Pk "$1" | { read -r _; read -r _ _ _ free _; test "$free" -ge "$2"; }
"""

_BASE_BACKUP: Final = ("--checkpoint=fast", "--wal-method=stream", "--no-manifest", "--no-sync", "--no-password")
_UNTIL_WE_END: Final = "--progress"
"""A program that says how far it is ends when none reads that any more."""

_ALONE: Final = """\
umask 077
(cd "$1/.." && cp -p postgresql.conf postgresql.auto.conf pg_hba.conf pg_ident.conf "$1/")
echo "local all postgres trust" >"$2/rules"
postgres -D "$1" -c listen_addresses= -c "unix_socket_directories=$2" -c "hba_file=$2/rules" -c port=5432 \\
  -c fsync=off -c autovacuum=off -c shared_preload_libraries= -c log_min_error_statement=panic &
server=$!
trap 'kill -INT $server 2>/dev/null; wait $server' EXIT
set -- psql -XqAt -v ON_ERROR_STOP=1 -h "$2" -p 5432 -U postgres -d postgres
until "$@" -c "" 2>/dev/null; do
  test $? = 2 # no connection yet
  kill -0 $server
  sleep 0.02
done
"$@" -f -
trap - EXIT
kill -INT $server
wait $server
"""
"""A server whose socket is in a folder that no other user can enter recovers the copy, and takes statements from its
standard input. The mode that needs no socket, `--single`, wants a user with a name. Its settings are those of the new
server: one that archives WAL as the source does would write into the archive of the source."""

_LOCK: Final = """\
UPDATE pg_catalog.pg_authid SET rolcanlogin = false, rolpassword = NULL WHERE rolname <> '{name}';
ALTER ROLE {name} LOGIN PASSWORD '{verifier}';
"""

_SWAP: Final = """\
cd "$1"
rm -f "$2/addonkit.disk" # says whose data these are
test ! -f addonkit.disk || cp -p addonkit.disk "$2/"
rm -f "$2/backup_label.old" "$2/tablespace_map.old"
for each in *; do test "$each" = "$2" || rm -rf "$each"; done
mv "$2"/* .
rmdir "$2"
initdb --sync-only -D . >/dev/null
"""

_SPARE_KB: Final = 300 * 1024
"""Kilobytes of WAL that may come along, and of the databases that each server has."""


async def copy_server(
    server: Administrator,
    access: ServerAccess,
    tenant: Tenant,
    source: tuple[Administrator, ServerAccess, str],
    stopped: Stopped,
) -> bool:
    """Fill a server with what another one has; whether that was possible. `source` ends with the name of its database.

    Raises:
        ComputeError: the server does not start with what was copied.
    """
    origin, its_access, claim = source
    await _run(access, _script(_CLEAR, _SCRATCH))  # what an interrupted attempt has left
    try:
        need = await _need(server, tenant.claim, origin, claim)
    except (ServerFault, TransientError):
        return False
    if not need:
        return False
    environment = environment_of(its_access, ADMINISTRATOR, await origin.working_password())
    del environment["PGOPTIONS"]
    try:
        async with stopped():
            await _replace(access, environment, need)
    except CommandFailed:
        return False  # an archive may do it, or says better why not
    await adopt(server, claim, tenant)
    return True


async def _need(server: Administrator, name: str, origin: Administrator, claim: str) -> int:
    """Return kilobytes that a copy needs; 0 where there is to be none."""
    async with origin.session(claim) as connection:
        found = await connection.fetchrow(_LOOK, name)
    if not found["fits"] or found["size"] < found["others"]:
        return 0
    there, here = await _build(origin, claim), await _build(server, name)
    if there["program"] != here["program"] or here["texts"] not in {None, there["texts"]}:
        return 0
    return int((found["size"] + found["others"]) // 1024) + _SPARE_KB


async def _build(server: Administrator, database: str) -> asyncpg.Record:
    async with server.session() as connection:
        return await connection.fetchrow(_BUILD, database)


async def _replace(access: ServerAccess, environment: dict[str, str], need: int) -> None:
    """Put a copy in the place of the data of a server that does not run.

    Raises:
        CommandFailed: a program failed; until the last one the data are as they were.
    """
    folder = f"{_SCRATCH}{secrets.token_hex(4)}"
    place = f"{{disk}}/{folder}"
    await _run(access, _script(_HAS_ROOM, str(need)))
    try:
        await _run(access, ("pg_basebackup", f"--pgdata={place}", *_BASE_BACKUP, _UNTIL_WE_END), environment)
        await _lock(access, place)
    except BaseException:
        await _run(access, _script(_CLEAR, folder))
        raise
    await _run(access, _script(_SWAP, folder))


async def _lock(access: ServerAccess, place: str) -> None:
    """Recover the copy, and leave one password that fits: that of the server's own superuser."""
    statements = _LOCK.format(name=ADMINISTRATOR, verifier=verifier(access.password.reveal()))
    argv = ("/bin/sh", "-euc", _ALONE, "sh", place, "{scratch}")
    await _run(access, argv, content=_pieces(statements.encode()))


async def _run(
    access: ServerAccess,
    argv: Sequence[str],
    environment: dict[str, str] | None = None,
    content: AsyncIterator[bytes] | None = None,
) -> bytes:
    async with access.pipe(argv, environment, content) as output:
        return b"".join([piece async for piece in output])


def _script(script: str, *words: str) -> tuple[str, ...]:
    return ("/bin/sh", "-euc", script, "sh", "{disk}", *words)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
