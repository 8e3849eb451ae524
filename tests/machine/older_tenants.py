"""Tenants as older releases made them: the owner of a database logs in itself."""

from __future__ import annotations

from addonkit import Secret
from addonkit_postgresql import admin
from addonkit_postgresql.scram import verifier
from addonkit_postgresql.session import Administrator, execute


async def create_tenant(
    server: Administrator, name: str, password: Secret, owner: str, connections: int, *, alone: bool = False
) -> None:
    """Create a role that may log in, and a database of its name."""
    await admin.create_tenant(server, name, owner, alone=alone)
    async with server.session() as connection:
        statement = "ALTER ROLE %I WITH LOGIN CONNECTION LIMIT %s PASSWORD %L"
        await execute(connection, statement, name, str(connections), verifier(password.reveal()))
