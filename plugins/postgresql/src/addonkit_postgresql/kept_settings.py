"""Moves what `ALTER DATABASE ... SET` and `ALTER ROLE ... SET` have set for a tenant: `pg_dump` leaves it out.

It is applied with the rights of the owner: an archive can set nothing that its owner could not. What only an
administrator sets is not in it.
"""

from __future__ import annotations

import json
import re
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

_SCOPES: Final = {
    "database": "ALTER DATABASE %1$I",
    "role": "ALTER ROLE %1$I",
    "role in database": "ALTER ROLE %1$I IN DATABASE %1$I",
}
"""The beginning of a statement for each scope. Role and database share a name."""

_LISTS: Final = frozenset(
    {
        *("local_preload_libraries", "search_path", "session_preload_libraries"),
        *("shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"),
    }
)
"""Settings that are lists of names, GUC_LIST_QUOTE in the server's source: each name is a literal of its own."""


async def read_settings(connection: asyncpg.Connection, owner: str) -> bytes:
    """Return what is set for the database that this session is in, and for its owner, as JSON."""
    rows = await connection.fetch(FIND, owner)
    return json.dumps([[row["scope"], row["name"], row["value"]] for row in rows]).encode()


async def apply_settings(server: Administrator, claim: str, content: bytes) -> None:
    """Set the same for another tenant.

    Raises:
        BackupError: the content is none that `read_settings` has made.
    """
    try:
        settings = [(_SCOPES[scope], str(name), str(value)) for scope, name, value in json.loads(content)]
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"loading database {claim}", f"its {MEMBER} cannot be read: {error}") from error
    async with server.session(claim) as connection:
        await execute(connection, "SET SESSION AUTHORIZATION %I", claim)
        for beginning in _SCOPES.values():
            await execute(connection, f"{beginning} RESET ALL", claim)
        # None of them is ever in force here. With a search path of the app, this session would call the app's
        # functions, and one of those could make it the superuser's again.
        for beginning, name, value in settings:
            names, values = name.split("."), _names(value) if name.lower() in _LISTS else [value]
            setting = ".".join(f"%{place}$I" for place in range(2, 2 + len(names)))
            literals = ", ".join(f"%{place}$L" for place in range(2 + len(names), 2 + len(names) + len(values)))
            await execute(connection, f"{beginning} SET {setting} TO {literals}", claim, *names, *values)


def _names(value: str) -> list[str]:
    """Return the names in a list: separated by commas, and quoted where they need it, a quote being doubled."""
    names, quoted = [""], False
    for piece in re.split(r'("|,)', value.strip()):
        if piece == '"':
            quoted = not quoted
        if piece == "," and not quoted:
            names.append("")
        else:
            names[-1] += piece
    return [_unquoted(each.strip()) for each in names]


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    """Yield the content in one piece."""
    yield content
