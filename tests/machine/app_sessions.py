"""Tenants of a PostgreSQL server and sessions of their apps, as tests of removal and of attacks need them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from addonkit import Secret
from addonkit_postgresql.session import Administrator
from older_tenants import create_tenant

PASSWORD = Secret.generate()


@asynccontextmanager
async def logged_in(server: Administrator, user: str, database: str = "") -> AsyncIterator[asyncpg.Connection]:
    """A session of an app, which may be ended meanwhile."""
    connection = await asyncpg.connect(
        host=server.address.host,
        port=server.address.port,
        user=user,
        password=PASSWORD.reveal(),
        database=database or user,
        ssl=False,
    )
    try:
        yield connection
    finally:
        connection.terminate()


async def give(server: Administrator, name: str) -> None:
    await create_tenant(server, name, PASSWORD, name, 50)
