"""Names of databases and roles. Pure."""

from __future__ import annotations

from typing import Final

from addonkit import sanitize_identifier

LONGEST: Final = 63
"""Bytes of a PostgreSQL identifier: NAMEDATALEN - 1."""

ADMINISTRATOR: Final = "postgres"
"""The superuser that initdb makes; apps never have its name."""

CLOSE_DOORS: Final = tuple(
    f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC" for name in ("postgres", "template1")
)
"""Statements that leave the databases of a new server to its superuser."""

SPARE: Final = "addonkit_spare"
"""A database that a new server has, for its first app: renaming one is faster than making one."""

READERS: Final = "addonkit_readers"
WRITERS: Final = "addonkit_writers"
"""Roles of a whole server: what an app grants to them reaches those of its own logins that may read, or write too.

No other app's logins can connect to its database. One name everywhere, so that dumps restore on any server.
"""

OWNER: Final = "owner"
READ_ONLY: Final = "read-only"
ROLES: Final = {
    OWNER: "owns the database: may do everything in it",
    "read-write": "reads and changes data, also of tables made later; changes no tables",
    READ_ONLY: "reads data, also of tables made later",
}
"""What apps may do; the first is what they get unless they ask for another."""

_RESERVED: Final = frozenset(
    {
        SPARE,
        READERS,
        WRITERS,
        "postgres", "template0", "template1", "root", "mysql", "public", "none", "user",
        "current_user", "current_role", "session_user",
    }
)  # fmt: skip


class Reserved:
    """Names that no app may have: those above and everything that starts with `pg_`, as PostgreSQL has it."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in _RESERVED or name.startswith("pg_"))


def wanted_name(app: str) -> str:
    """Return the name that an app's database and role get where it is free.

    PostgreSQL keeps names that start with `pg_` for itself whatever their ending, so they get an `a` in front;
    and so does `pg`, which would become one of them with a suffix.
    """
    name = sanitize_identifier(app, LONGEST)
    kept = name == "pg" or name.startswith("pg_")
    return sanitize_identifier(f"a{name}", LONGEST) if kept else name
