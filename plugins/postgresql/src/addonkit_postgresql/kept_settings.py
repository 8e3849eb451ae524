"""What `ALTER DATABASE ... SET` and `ALTER ROLE ... SET` have set for a tenant: `pg_dump` of a database leaves it out.

It is applied with the rights of the owner: an archive can set nothing that its owner could not. What only an
administrator sets is not in it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from addonkit import BackupError
from addonkit_postgresql.session import Administrator, execute

if TYPE_CHECKING:
    import asyncpg

MEMBER: Final = "settings.json"

FIND: Final = """
    SELECT CASE WHEN s.setrole = 0 THEN 'database' WHEN s.setdatabase = 0 THEN 'role' ELSE 'role in database' END
      AS scope, split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
    FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS entry
    WHERE split_part(entry, '=', 1) NOT IN ('temp_file_limit', 'default_transaction_read_only')
      AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND (s.setrole = (SELECT oid FROM pg_roles WHERE rolname = $1) OR (s.setrole = 0 AND s.setdatabase <> 0))
    ORDER BY 1, 2
"""

_APPLY: Final = {
    "database": ("ALTER DATABASE %1$I SET %2$s FROM CURRENT", "ALTER DATABASE %1$I RESET ALL"),
    "role": ("ALTER ROLE %1$I SET %2$s FROM CURRENT", "ALTER ROLE %1$I RESET ALL"),
    "role in database": (
        "ALTER ROLE %1$I IN DATABASE %1$I SET %2$s FROM CURRENT",
        "ALTER ROLE %1$I IN DATABASE %1$I RESET ALL",
    ),
}
"""For each scope: how one is set to what the session has, and how all go. Role and database share a name."""


async def read_settings(connection: asyncpg.Connection, owner: str) -> bytes:
    """What is set for the database that this session is in, and for its owner, as JSON."""
    rows = await connection.fetch(FIND, owner)
    return json.dumps([[row["scope"], row["name"], row["value"]] for row in rows]).encode()


async def apply_settings(server: Administrator, claim: str, content: bytes) -> None:
    """Set the same for another tenant.

    Raises:
        BackupError: the content is none that `read_settings` has made.
    """
    try:
        settings = [(_APPLY[scope][0], str(name), str(value)) for scope, name, value in json.loads(content)]
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"loading database {claim}", f"its {MEMBER} cannot be read: {error}") from error
    async with server.session(claim) as connection:
        await execute(connection, "SET SESSION AUTHORIZATION %I", claim)
        for _set, reset in _APPLY.values():
            await execute(connection, reset, claim)
        for template, name, value in settings:
            await connection.execute("SELECT set_config($1, $2, false)", name, value)
            await execute(connection, template, claim, ".".join(f'"{part}"' for part in name.split(".")))


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    """The content in one piece."""
    yield content
