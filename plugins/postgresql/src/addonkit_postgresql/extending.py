"""Extensions of a database, made by the superuser: the app's own roles could make few of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from addonkit import Extension, InvalidInput, TransientError
from addonkit_postgresql.options import extensions_of
from addonkit_postgresql.session import Administrator, ServerFault, execute, execute_all

if TYPE_CHECKING:
    import asyncpg

_COMMENTED: Final = """
    SELECT e.extname FROM pg_extension e
    JOIN pg_description d ON d.objoid = e.oid AND d.classoid = 'pg_extension'::regclass
    WHERE e.extowner = current_user::regrole AND e.extname <> 'plpgsql'
"""

_AVAILABLE: Final = """
    SELECT name, coalesce(installed_version, '') AS installed, default_version AS available,
        coalesce(comment, '') AS description
    FROM pg_available_extensions WHERE name <> 'plpgsql' ORDER BY name
"""


async def change(admin: Administrator, database: str, former: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Make and remove what differs between two configs.

    Raises:
        InvalidInput: the server does not have one, or something in the database needs it.
    """
    before, after = extensions_of(former), extensions_of(wanted)
    if before == after:
        return
    name = ""
    try:
        async with admin.session(database) as connection:
            for name in after:
                if name not in before:
                    await _create(connection, name)
            for name in before:
                if name not in after:
                    await execute(connection, "DROP EXTENSION IF EXISTS %I", name)
    except (ServerFault, TransientError) as error:
        if isinstance(error, TransientError) and not _is_needed(error):
            raise
        raise InvalidInput(f"cannot change extension {name}", f"the server says: {error.found}") from None


def _is_needed(error: TransientError) -> bool:
    """Return whether something in the database needs what was to be removed: that does not pass."""
    import asyncpg

    return isinstance(error.__cause__, asyncpg.DependentObjectsStillExistError)


async def update(admin: Administrator, database: str, name: str) -> None:
    """Bring an extension to the version that the server has now.

    Raises:
        InvalidInput: the database does not have it, or the server cannot.
    """
    try:
        async with admin.session(database) as connection:
            await execute(connection, "ALTER EXTENSION %I UPDATE", name)
    except ServerFault as error:
        raise InvalidInput(f"cannot update extension {name}", f"the server says: {error.found}") from error


async def available(admin: Administrator, database: str) -> tuple[Extension, ...]:
    """Return what the server has, with the versions in the database."""
    async with admin.session(database) as connection:
        rows = await connection.fetch(_AVAILABLE)
    return tuple(Extension(**dict(row)) for row in rows)


async def _create(connection: asyncpg.Connection, name: str) -> None:
    """Create it in schema `public`, with what it needs.

    A dump names each extension, and the comments of those that have one. Only an extension's owner can repeat a
    comment when the dump is loaded, so the comments are removed.
    """
    create = ("CREATE EXTENSION IF NOT EXISTS %I CASCADE", name)
    await execute_all(connection, ("SET LOCAL search_path = public",), create)
    for row in await connection.fetch(_COMMENTED):
        await execute(connection, "COMMENT ON EXTENSION %I IS NULL", row["extname"])
