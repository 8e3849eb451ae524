"""The variables an app receives. Pure."""

from __future__ import annotations

from addonkit import ConnectionInfo, Variable


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    """The six variables, in the order they are shown; the URI as libpq reads it (PostgreSQL manual, 34.1.1.2)."""
    name = access.claim
    return (
        Variable("DATABASE_URL", access.url("postgres", user=name, path=name)),
        Variable("PGHOST", access.host),
        Variable("PGPORT", str(access.port)),
        Variable("PGUSER", name),
        Variable("PGPASSWORD", access.password),
        Variable("PGDATABASE", name),
    )
