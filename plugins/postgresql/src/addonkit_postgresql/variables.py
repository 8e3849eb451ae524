"""The variables an app receives. Pure."""

from __future__ import annotations

from addonkit import ConnectionInfo, Variable


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    """Return the variables in the order they are shown; the URI as libpq reads it (PostgreSQL manual, 34.1.1.2)."""
    name = access.claim
    return (
        Variable("DATABASE_URL", access.url("postgresql", user=name, path=name)),
        Variable("PGHOST", access.host),
        Variable("PGPORT", str(access.port)),
        Variable("PGUSER", name),
        Variable("PGPASSWORD", access.password),
        Variable("PGDATABASE", name),
        # The server has no TLS. lib/pq, of Go, insists on it unless told otherwise.
        Variable("PGSSLMODE", "disable"),
        # A process that takes the port of a stopped server could ask for the password in clear.
        Variable("PGREQUIREAUTH", "scram-sha-256"),
    )
