"""Sessions of the superuser. The only file that knows the driver."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Final

import attrs

from addonkit import AddonkitError, Secret, ServerAddress, TransientError
from addonkit_postgresql.naming import ADMINISTRATOR
from addonkit_postgresql.scram_only import ScramOnlyLoop

if TYPE_CHECKING:
    import asyncpg

CONNECT_LIMIT: Final = 10.0
"""Seconds that connecting may take."""

STATEMENT_LIMIT: Final = 45.0
"""Seconds that one statement may take."""

CLOSE_LIMIT: Final = 5.0
AT_ONCE: Final = 0.001
"""Seconds to wait until the server has ended a session."""

DATABASE: Final = "postgres"
"""The database that is the superuser's own."""

_SETTINGS: Final = {
    "application_name": "addonkit",
    "search_path": "pg_catalog",
    "default_transaction_read_only": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "log_min_error_statement": "panic",
}
"""Said when the session begins, these win over what the owner of a database has set for it. Without the path, a
superuser who comes into a tenant's database would call the tenant's functions. The last one keeps statements that
fail, verifiers included, out of the log."""

_SET_FOR_DATABASE: Final = """
    SELECT name, current_setting(name, true) AS value
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase,
    LATERAL (SELECT lower(split_part(entry, '=', 1)) FROM unnest(s.setconfig) AS entry) AS names (name)
    WHERE d.datname = $1 AND s.setrole = 0 AND current_setting(name, true) IS NOT NULL
"""
"""A role, time limits, libraries that do not exist: in a session that begins with other values they have no force."""


class ServerFault(AddonkitError):
    """A PostgreSQL server refused what was asked of it. `sqlstate` is in `details`."""


def _no_socket() -> AbstractContextManager[str]:
    return nullcontext("")


@attrs.frozen
class Administrator:
    """The superuser of a server, and how to become it.

    Attributes:
        address: where it answers.
        password: the superuser's.
        open_socket: yields the path of the server's Unix socket, see ServerAccess; empty for the port.
        other: what the superuser may have instead while its password is being replaced.
    """

    address: ServerAddress
    password: Secret
    open_socket: Callable[[], AbstractContextManager[str]] = _no_socket
    other: Secret | None = None

    @asynccontextmanager
    async def session(self, database: str = DATABASE, *, patient: bool = True) -> AsyncIterator[asyncpg.Connection]:
        """Yield a connection as the superuser.

        Args:
            database: to connect to.
            patient: wait at the end until the server has ended the session, rather than only say so.

        Raises:
            TransientError: when the server does not take connections right now, or the connection was lost.
            ServerFault: when it refuses something else, or is not proved to be the server by SCRAM.
        """
        with _translated(self._attempted):
            async with self._untranslated(database, patient=patient) as connection:
                yield connection

    async def working_password(self) -> Secret:
        """Return the password that the server takes. Raises as `session`."""
        if self.other is not None:
            with suppress(ServerFault):
                async with attrs.evolve(self, password=self.other, other=None).session():
                    return self.other
        return self.password

    @asynccontextmanager
    async def _untranslated(
        self, database: str = DATABASE, *, patient: bool = True
    ) -> AsyncIterator[asyncpg.Connection]:
        with self.open_socket() as path:
            settings = _SETTINGS if database == DATABASE else await self._settings_in(database)
            connection = await self._connect(database, path, settings)
            try:
                yield connection
            finally:
                await _close(connection, CLOSE_LIMIT if patient else AT_ONCE)

    async def _settings_in(self, database: str) -> Mapping[str, str]:
        """Return our own value of all that the owner of a database has set for it."""
        async with self._untranslated() as connection:
            rows = await connection.fetch(_SET_FOR_DATABASE, database)
        return {**{row["name"]: row["value"] for row in rows}, **_SETTINGS}

    @property
    def _attempted(self) -> str:
        return f"working on the PostgreSQL server at {self.address.host}:{self.address.port}"

    async def _connect(self, database: str, socket: str, settings: Mapping[str, str]) -> asyncpg.Connection:
        import asyncpg

        if self.other is not None:
            with suppress(asyncpg.InvalidPasswordError):
                return await self._connect_with(self.other, database, socket, settings)
        return await self._connect_with(self.password, database, socket, settings)

    async def _connect_with(
        self, password: Secret, database: str, socket: str, settings: Mapping[str, str]
    ) -> asyncpg.Connection:
        loop = ScramOnlyLoop(asyncio.get_running_loop())
        try:
            return await self._open(password, database, socket, settings, loop)
        except Exception as error:
            if loop.fault:
                raise ServerFault(self._attempted, f"another process answers there: {loop.fault}") from error
            raise

    async def _open(
        self, password: Secret, database: str, socket: str, settings: Mapping[str, str], loop: ScramOnlyLoop
    ) -> asyncpg.Connection:
        import asyncpg

        # Everything is said, so that variables of the shell have no say in it.
        return await asyncpg.connect(
            host=os.path.dirname(socket) or self.address.host,  # noqa: PTH120 - the driver adds the name itself
            port=self.address.port,
            loop=loop,
            user=ADMINISTRATOR,
            password=password.reveal(),
            database=database,
            timeout=CONNECT_LIMIT,
            command_timeout=STATEMENT_LIMIT,
            ssl=False,
            direct_tls=False,
            target_session_attrs="any",
            server_settings=dict(settings),
        )


async def execute(connection: asyncpg.Connection, template: str, *values: str, limit: float = STATEMENT_LIMIT) -> None:
    """Run a statement whose identifiers (`%I`) and literals (`%L`) the server itself quotes; `limit` is in seconds."""
    statement = await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", template, list(values))
    await connection.execute(statement, timeout=limit)


async def execute_all(
    connection: asyncpg.Connection, *statements: tuple[str, ...], limit: float = STATEMENT_LIMIT
) -> None:
    """Run several statements as one transaction; each is a template and its values, see execute."""
    templates, values = zip(*((template, values) for template, *values in statements), strict=True)
    await execute(connection, "; ".join(templates), *(value for each in values for value in each), limit=limit)


def is_contended(error: BaseException | None) -> bool:
    """Return whether a statement failed because another session changed the same thing at the same time."""
    import asyncpg

    changed = (asyncpg.DependentObjectsStillExistError, asyncpg.DeadlockDetectedError)
    if isinstance(error, asyncpg.InternalServerError):  # GRANT and DROP OWNED do not lock the rows that they update
        return str(error).startswith("tuple concurrently ")
    return isinstance(error, changed)


@contextmanager
def _translated(attempted: str) -> Iterator[None]:
    import asyncpg

    passing = (
        OSError,  # refused, reset, out of time
        asyncpg.InterfaceError,  # the connection is closed
        asyncpg.PostgresConnectionError,
        asyncpg.TooManyConnectionsError,
        asyncpg.OperatorInterventionError,  # starting, stopping, crashed
        asyncpg.ObjectInUseError,
    )
    try:
        yield
    except AddonkitError:
        raise
    except passing as error:
        raise TransientError(attempted, str(error) or type(error).__name__) from error
    except asyncpg.InvalidPasswordError as error:
        advice = "run `addonkit rotate --lost` with the name of an instance of that server to get in anew"
        raise ServerFault(attempted, f"{error} ({error.sqlstate})", advice, sqlstate=error.sqlstate) from error
    except asyncpg.PostgresError as error:
        if is_contended(error):
            raise TransientError(attempted, str(error)) from error
        raise ServerFault(attempted, f"{error} ({error.sqlstate})", sqlstate=error.sqlstate) from error


async def _close(connection: asyncpg.Connection, limit: float) -> None:
    """Close the session if the server is still there; wait until it has ended it for so many seconds."""
    try:
        await connection.close(timeout=limit)
    except (OSError, TimeoutError):
        connection.terminate()
