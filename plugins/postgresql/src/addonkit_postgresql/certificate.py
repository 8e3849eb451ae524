"""Lets a server read the certificate that was written in the place of its former one."""

from __future__ import annotations

from addonkit_postgresql.session import Administrator


async def reload(admin: Administrator) -> None:
    """Let sessions that begin from now on see it; those that there are stay."""
    async with admin.session() as connection:
        await connection.execute("SELECT pg_reload_conf()")
