"""The variables an app receives. Pure."""

from __future__ import annotations

from urllib.parse import quote

from addonkit import Secret, Variable


def database_url(host: str, port: int, user: str, password: str, database: str) -> str:
    """A connection URI as libpq reads it (PostgreSQL manual, section 34.1.1.2): parts percent-encoded."""
    return f"postgres://{_part(user)}:{_part(password)}@{_host(host)}:{port}/{_part(database)}"


def variables(host: str, port: int, user: str, password: Secret, database: str) -> tuple[Variable, ...]:
    """The six variables, in the order they are shown."""
    url = database_url(host, port, user, password.reveal(), database)
    return (
        Variable("DATABASE_URL", Secret(url)),
        Variable("PGHOST", host),
        Variable("PGPORT", str(port)),
        Variable("PGUSER", user),
        Variable("PGPASSWORD", password),
        Variable("PGDATABASE", database),
    )


def _part(text: str) -> str:
    return quote(text, safe="")


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
