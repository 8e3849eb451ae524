"""Works inside a server, as its administrator. The only file that knows the client library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, closing, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit import AddonkitError, InvalidInput, Secret, ServerAddress, ServerFull, TransientError, Usage
from addonkit_valkey.acl import (
    ADMINISTRATOR,
    CLOSED,
    LOGIN_SIGN,
    OWNER,
    READS_ONLY,
    TENANT_COMMANDS,
    digest,
    optional_commands,
    rules_for,
)
from addonkit_valkey.former import find_former

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

BATCH: Final = 500
"""Keys looked at, and removed, in one round trip: a server shared with others is never blocked."""

SYSTEM_USERS: Final = frozenset({OWNER, ADMINISTRATOR})


_FULL: Final = b"-ERR max number of clients"
_RESTART: Final = "run `addonkit restart` with the name of an instance of that server"
_LOST: Final = "run `addonkit rotate --lost` with the name of an instance of that server to get in anew"


@attrs.frozen
class Administrator:
    """The administrator of a server; `open_socket` is that of ServerAccess."""

    address: ServerAddress
    password: Secret
    open_socket: Callable[[], AbstractContextManager[str]] = lambda: nullcontext("")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Valkey]:
        """Open a connection as the administrator.

        Raises:
            ServerFull: when apps have taken all its connections.
            TransientError: when the server does not answer right now, or is still loading.
        """
        from valkey.asyncio import Valkey
        from valkey.exceptions import AuthenticationError, BusyLoadingError, ConnectionError, TimeoutError

        # A socket, since no other user of the machine can stand in for the server there.
        with self.open_socket() as path:
            client = Valkey(
                host=self.address.host,
                port=self.address.port,
                unix_socket_path=path or None,
                username=ADMINISTRATOR,
                password=self.password.reveal(),
                # Keys are bytes: an app may use any.
                decode_responses=False,
                socket_timeout=30,
                socket_connect_timeout=10,
                # What the library tells of itself costs a round trip.
                lib_name=None,
                lib_version=None,
                # The same connection for the whole session: it has chosen a database.
                single_connection_client=True,
            )
            try:
                yield client
            except (BusyLoadingError, ConnectionError, TimeoutError) as error:
                attempted = f"working on the Valkey server at {self.address.host}:{self.address.port}"
                if isinstance(error.__cause__, AuthenticationError):
                    raise AddonkitError(attempted, f"it refuses the administrator: {error}", _LOST) from error
                if await _is_full(path, self.address):
                    raise ServerFull(attempted, "apps have taken all its connections", _RESTART) from error
                raise TransientError(attempted, str(error)) from error
            finally:
                await client.aclose()


async def _is_full(path: str, address: ServerAddress) -> bool:
    """Return whether the server turns every connection away: it says so before anything is sent, and closes."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            reader, writer = await _connect(path, address)
            with closing(writer):
                return (await reader.readline()).startswith(_FULL)
    return False


async def _connect(path: str, address: ServerAddress) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if path:
        return await asyncio.open_unix_connection(path)
    return await asyncio.open_connection(address.host, address.port)


async def set_user(admin: Administrator, name: str, rules: tuple[str, ...]) -> None:
    """Make a user with exactly these rules, kept over restarts. Repeating it changes nothing."""
    async with admin.session() as client:
        await _set_user(client, name, rules)
        await _command(client, "ACL", "SAVE")


async def reserve_user(admin: Administrator, name: str) -> None:
    """Make a user that nothing can log in as: it says that a tenant is there. Repeating it changes nothing."""
    async with admin.session() as client:
        await _set_user(client, name, CLOSED)
        await _renew_former(client)
        await _command(client, "ACL", "SAVE")


async def _set_user(client: Valkey, name: str, rules: tuple[str, ...]) -> None:
    taken = rules_for(rules, await _known(client, optional_commands(rules)))
    await _command(client, "ACL", "SETUSER", name, *taken)


async def _renew_former(client: Valkey) -> None:
    """Give the users that a former release made the rights of today; they keep password, keys and sessions."""
    for name in await find_former(client):
        await _set_user(client, name, ("nocommands", *TENANT_COMMANDS))


async def list_former(admin: Administrator) -> tuple[str, ...]:
    """Return the names of users with the rights that a former release gave them."""
    async with admin.session() as client:
        return await find_former(client)


async def change_settings(admin: Administrator, settings: Mapping[str, str]) -> None:
    """Let a running server take settings; it has the same in its file at the next start.

    Raises:
        InvalidInput: the server does not take a value.
    """
    from valkey.exceptions import ResponseError

    async with admin.session() as client:
        for name, value in settings.items():
            try:
                await client.config_set(name, value)
            except ResponseError as error:
                raise InvalidInput(f"cannot set {name}", f"the server says: {error}") from error


async def drop_tenant(admin: Administrator, name: str, prefix: str, progress: Callable[[str], Any]) -> None:
    """Remove a user, which ends its connections, then all keys under its prefix. Do nothing for what does not exist.

    One connection does it all: an app may have taken all others, and would take one that was closed.
    """
    async with admin.session() as client:
        await _command(client, "ACL", "DELUSER", name, *_logins_of(await _rules_of_users(client), prefix))
        await _renew_former(client)
        await _command(client, "ACL", "SAVE")
        await drop_keys(client, prefix, progress)


async def close_user(admin: Administrator, name: str) -> None:
    """Let nothing log in as a user, and end its connections; for one that must stay."""
    async with admin.session() as client:
        await _command(client, "ACL", "SETUSER", name, "off", "resetpass")
        await _command(client, "ACL", "SAVE")
        await _command(client, "CLIENT", "KILL", "USER", name)


async def set_admin_passwords(admin: Administrator, passwords: Iterable[Secret]) -> None:
    """Let the administrator log in with these passwords alone. One command does it, so no moment is without any."""
    async with admin.session() as client:
        await _command(client, "ACL", "SETUSER", ADMINISTRATOR, "resetpass", *map(digest, passwords))
        await _command(client, "ACL", "SAVE")


async def drop_user(admin: Administrator, name: str) -> None:
    """Remove a user, which ends its connections. Do nothing if it does not exist."""
    async with admin.session() as client:
        await _command(client, "ACL", "DELUSER", name)
        await _command(client, "ACL", "SAVE")


async def count_connections(admin: Administrator, name: str) -> int:
    """Return how many connections a user has."""
    async with admin.session() as client:
        found = await client.client_list()
    return sum(each.get("user") == name for each in found)


async def change_writers(admin: Administrator, user: str, prefix: str, rules: tuple[str, ...]) -> None:
    """Change what those users may do that write below a prefix: logins of apps, and the tenant's own if it is open."""
    async with admin.session() as client:
        users = await _rules_of_users(client)
        writers = {words[1] for words in users if words[1] == user and "on" in words}
        reading = {words[1] for words in users if READS_ONLY in words}
        for name in writers.union(_logins_of(users, prefix)) - reading:
            await _set_user(client, name, rules)
        await _command(client, "ACL", "SAVE")


async def _rules_of_users(client: Valkey) -> list[list[str]]:
    """Return the words of each user in the list: `user`, its name, its rules."""
    return [_text(line).split(" ") for line in await _command(client, "ACL", "LIST")]


def _logins_of(users: Iterable[list[str]], prefix: str) -> list[str]:
    """Return names of users of apps whose keys are under a prefix."""
    patterns = {f"~{prefix}*", f"%R~{prefix}*"}
    return [words[1] for words in users if _is_login(words[1]) and patterns.intersection(words)]


def _is_login(name: str) -> bool:
    return LOGIN_SIGN in name


async def drop_keys(client: Valkey, prefix: str, progress: Callable[[str], Any]) -> None:
    """Remove all keys under a prefix from all databases, in batches."""
    removed = 0
    for database in databases(await client.info("keyspace")):
        await client.select(database)
        async for keys in _scanned(client, prefix):
            removed += await client.unlink(*keys)
            progress(f"{removed} keys removed")


async def measure(admin: Administrator, prefix: str) -> Usage:
    """Tell how many keys there are under a prefix, and the memory that they take."""
    keys, size = 0, 0
    async with admin.session() as client:
        for database in databases(await client.info("keyspace")):
            await client.select(database)
            async for some in _scanned(client, prefix):
                sizes = await asyncio.gather(*(client.memory_usage(key) for key in some))
                keys, size = keys + len(some), size + sum(each or 0 for each in sizes)
    return Usage(keys, size)


async def _scanned(client: Valkey, prefix: str) -> AsyncIterator[list[bytes]]:
    """Yield the keys under a prefix, some at a time; one may come twice."""
    cursor = 0
    while True:
        cursor, keys = await client.scan(cursor, match=f"{prefix}*", count=BATCH)
        if keys:
            yield keys
        if cursor == 0:
            return


async def list_users(admin: Administrator) -> tuple[str, ...]:
    """Return the names of the users that stand for tenants."""
    async with admin.session() as client:
        names = [_text(name) for name in await _command(client, "ACL", "USERS")]
    return tuple(sorted(name for name in names if name not in SYSTEM_USERS and not _is_login(name)))


async def has_login(admin: Administrator) -> bool:
    """Return whether any app can log in to a server of its own; in older releases apps are the default user."""
    async with admin.session() as client:
        names = [_text(name) for name in await _command(client, "ACL", "USERS")]
        default = await client.acl_getuser(OWNER)
    return any(map(_is_login, names)) or (default is not None and "on" in default["flags"])


async def _known(client: Valkey, commands: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the commands that the server has."""
    if not commands:
        return ()
    # In one word, so that the library does not parse an answer that it takes for that of COMMAND alone.
    found = await _command(client, "COMMAND INFO", *commands)
    return tuple(command for command, each in zip(commands, found, strict=True) if each)


async def _command(client: Valkey, *words: str) -> Any:
    """Run a command that the library has no typed method for."""
    return await client.execute_command(*words)  # type: ignore[no-untyped-call] # the library is typed in part


def databases(keyspace: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the numbers of the databases that hold anything."""
    return tuple(sorted(int(name.removeprefix("db")) for name in keyspace if name.startswith("db")))


def _text(name: bytes | str) -> str:
    return name if isinstance(name, str) else name.decode(errors="backslashreplace")
