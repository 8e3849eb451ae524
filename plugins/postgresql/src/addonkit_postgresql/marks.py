"""Marks whose a role is: roles carry the id of their instance in a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg

MARK: Final = "addonkit:"
"""Begins the comment on a role that owns a database; the id of its instance follows."""

LOGIN_MARK: Final = "addonkit-login:"
"""Begins the comment on a role that an app logs in with; the id of its instance follows."""


async def mark_of(connection: asyncpg.Connection, role: str) -> str | None:
    """Return the comment on a role, empty without one; None if there is no such role."""
    row = await connection.fetchrow(
        "SELECT coalesce(shobj_description(oid, 'pg_authid'), '') AS mark FROM pg_roles WHERE rolname = $1", role
    )
    return None if row is None else str(row["mark"])


async def marked_for(connection: asyncpg.Connection, role: str, owner: str) -> bool:
    """Return whether there is such a role and it is this instance's."""
    return await mark_of(connection, role) == MARK + owner
