"""Runs a user's SQL in a copy of a database before an app can connect to it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import PurePath
from typing import Final

from addonkit import BackupError, ServerAccess, Tenant
from addonkit_postgresql.logins import passing_login
from addonkit_postgresql.scram_only import ScramOnlyLoop
from addonkit_postgresql.session import CONNECT_LIMIT, Administrator

_LIMIT: Final = 86_400.0


async def transform(server: Administrator, access: ServerAccess, tenant: Tenant, script: str) -> None:
    """Run it as the owner of the database, in one transaction unless it says otherwise.

    Raises:
        BackupError: the server refuses a statement.
    """
    import asyncpg

    attempted = f"transforming database {tenant.claim}"
    async with passing_login(server, tenant) as login:
        with access.open_socket() as path:
            connection = await asyncpg.connect(
                host=str(PurePath(path).parent) if path else access.host,
                port=access.port,
                loop=ScramOnlyLoop(asyncio.get_running_loop()),
                user=login.name,
                password=login.password.reveal(),
                database=tenant.claim,
                timeout=CONNECT_LIMIT,
                ssl=False,
                direct_tls=False,
                target_session_attrs="any",  # said, so that a variable of the shell has no say in it
            )
            try:
                await connection.execute(script, timeout=_LIMIT)
            except asyncpg.PostgresError as error:
                raise BackupError(attempted, f"the server says: {error}") from error
            finally:
                await connection.close(timeout=CONNECT_LIMIT)
    await _forget_statistics(server, tenant.claim)


async def _forget_statistics(server: Administrator, database: str) -> None:
    """Take statistics anew: they quote values of before."""
    import asyncpg

    async with server.session(database) as connection:
        await connection.execute("DELETE FROM pg_statistic; DELETE FROM pg_statistic_ext_data")
        with suppress(asyncpg.PostgresError):  # a function in an index fails: then it waits for autovacuum
            await connection.execute("ANALYZE", timeout=_LIMIT)
