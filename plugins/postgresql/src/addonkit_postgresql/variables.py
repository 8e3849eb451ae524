"""The variables an app receives. Pure."""

from __future__ import annotations

from urllib.parse import quote

from addonkit import ConnectionInfo, Secret, Variable


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    """Return the variables in the order they are shown; the URI as libpq reads it (PostgreSQL manual, 34.1.1.2)."""
    name = access.claim
    # Clients look for `.s.PGSQL.<port>` in the directory that stands in the place of a host.
    directory = access.socket.rpartition("/")[0]
    return (
        Variable("DATABASE_URL", _socket_url(access, directory) if directory else _url(access)),
        Variable("PGHOST", directory or access.host),
        Variable("PGPORT", str(access.port)),
        Variable("PGUSER", access.login),
        Variable("PGPASSWORD", access.password),
        Variable("PGDATABASE", name),
        # On loopback the server has no TLS. lib/pq, of Go, insists on it unless told otherwise.
        Variable("PGSSLMODE", "verify-full" if access.ca_file else "disable"),
        # A process that takes the port of a stopped server could ask for the password in clear.
        Variable("PGREQUIREAUTH", "scram-sha-256"),
        *((Variable("PGSSLROOTCERT", access.ca_file),) if access.ca_file else ()),
    )


def _url(access: ConnectionInfo) -> Secret:
    url = access.url("postgresql", user=access.login, path=access.claim)
    verified = f"?sslmode=verify-full&sslrootcert={quote(access.ca_file)}" if access.ca_file else ""
    return Secret(url.reveal() + verified)


def _socket_url(access: ConnectionInfo, directory: str) -> Secret:
    """Return a URL without a host, which is in its query: all common clients read it so."""
    name, database = quote(access.login, safe=""), quote(access.claim, safe="")
    password = quote(access.password.reveal(), safe="")
    return Secret(f"postgresql://{name}:{password}@/{database}?host={quote(directory)}&port={access.port}")
