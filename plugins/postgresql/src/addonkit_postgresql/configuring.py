"""Brings options of a database into force, as the superuser: its owner cannot take the limits away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from addonkit import InvalidInput
from addonkit_postgresql.options import OF_A_DATABASE
from addonkit_postgresql.session import Administrator, ServerFault, execute_all

_INVALID: Final = frozenset({"22023", "22P02"})
"""invalid_parameter_value, invalid_text_representation."""


async def configure(admin: Administrator, database: str, former: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Set what differs between two configs; sessions that begin from now on have it.

    Raises:
        InvalidInput: the server does not take a value.
    """
    changes = statements(database, former, wanted)
    if not changes:
        return
    try:
        async with admin.session() as connection:
            await execute_all(connection, *changes)
    except ServerFault as error:
        if error.details.get("sqlstate") not in _INVALID:
            raise
        raise InvalidInput(f"cannot change database {database}", f"the server says: {error.found}") from error


def statements(database: str, former: Mapping[str, str], wanted: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return the statements that set what differs between two configs; see execute_all."""
    changed = [name for name in OF_A_DATABASE if former.get(name, "") != wanted.get(name, "")]
    return [_statement(database, name, wanted.get(name, "")) for name in changed]


def _statement(database: str, name: str, value: str) -> tuple[str, ...]:
    if value:
        return f"ALTER DATABASE %I SET {name} = %L", database, value
    return f"ALTER DATABASE %I RESET {name}", database
