"""What an app has set for its database and role comes along in an archive, and nothing that its owner could not set."""

from __future__ import annotations

import json

import pytest

from addonkit_postgresql import kept_settings
from addonkit_postgresql.session import Administrator, ServerFault
from app_sessions import give, logged_in

FIND = """
    SELECT format('%s %s %s', s.setdatabase <> 0, s.setrole <> 0, setting) FROM pg_db_role_setting s
    CROSS JOIN LATERAL unnest(s.setconfig) AS setting
    WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = $1)
      OR s.setrole = (SELECT oid FROM pg_roles WHERE rolname = $1) ORDER BY 1
"""

SET = """
    ALTER DATABASE {name} SET search_path = "$user", public, "a, ""b"; ALTER ROLE {name} SET work_mem = '5MB';
    ALTER ROLE {name} IN DATABASE {name} SET "TimeZone" = 'UTC'; ALTER ROLE {name} SET application_name = 'x, y'
"""


async def settings_of(server: Administrator, name: str) -> list[str]:
    async with server.session() as connection:
        return [row[0] for row in await connection.fetch(FIND, name)]


async def test_all_scopes_come_along_and_nothing_of_before_stays(server: Administrator, name: str) -> None:
    other = f"{name}_other"
    for each in (name, other):
        await give(server, each)
    async with logged_in(server, name) as connection:
        await connection.execute(SET.format(name=name))
    async with logged_in(server, other) as connection:
        await connection.execute(
            f"ALTER DATABASE {other} SET lock_timeout = 1; ALTER ROLE {other} SET lock_timeout = 1;"
            f"ALTER ROLE {other} IN DATABASE {other} SET lock_timeout = 1"
        )
    async with server.session(name) as connection:
        content = await kept_settings.read_settings(connection, name)

    await kept_settings.apply_settings(server, other, content)

    found = await settings_of(server, other)
    assert len(found) == 4
    assert found == await settings_of(server, name)


async def test_an_archive_sets_nothing_that_the_owner_could_not(server: Administrator, name: str) -> None:
    await give(server, name)

    with pytest.raises(ServerFault, match="permission denied"):
        await kept_settings.apply_settings(server, name, json.dumps([["role", "log_statement", "all"]]).encode())

    assert await settings_of(server, name) == []
