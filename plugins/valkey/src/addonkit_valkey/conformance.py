"""Uses a store as an app does: through its variables alone. For the conformance kit."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar

from addonkit.testing import ConformanceClient
from addonkit_valkey.conformance_rights import ALLOWED, CHANGES, OTHERS, OWNER, READS, REFUSED, SAVES

if TYPE_CHECKING:
    from valkey import Valkey


_TYPES: Mapping[str, tuple[str, str]] = {
    "list": ("RPUSH kept too", "LSET 1 changed"),
    "hash": ("HSET field kept", "HSET field changed"),
    "set": ("SADD kept", "SADD changed"),
    "sorted set": ("ZADD 1 kept", "ZADD 2 kept"),
    "stream": ("XADD 1-1 field kept", "XADD 2-1 field changed"),
    "key that expires": ("SET kept PXAT 4000000000000", "SET changed PXAT 4000000000000"),
}
"""How a value of each type is written, and changed: the command, and what follows the key."""
_FUNCTION = "#!lua name=kit\nredis.register_function{function_name='kit', callback=function() return 'kept' end}"


class Client(ConformanceClient):
    """Values under keys. Writes through the URL, reads through the parts."""

    not_applicable: ClassVar[Mapping[str, str]] = {
        "the_server_is_what_the_variant_says[shared]": "a shared server tells apps nothing of itself"
    }

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value, on the disk before the answer, where the variant keeps any there."""
        from valkey import Valkey
        from valkey.exceptions import ResponseError

        with Valkey.from_url(environ["VALKEY_URL"], socket_timeout=10) as client:
            client.set(_key(environ, key), value)
            try:
                client.waitaof(1, 0, 10_000)
            except ResponseError as error:
                if "appendonly is disabled" not in str(error):
                    raise

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """Return the value, None without one."""
        with _client(environ) as client:
            found: Any = client.get(_key(environ, key))
        return None if found is None else str(found)

    def keys(self, environ: Mapping[str, str]) -> Collection[str] | None:
        """Return all keys of the server, where it lists any."""
        from valkey.exceptions import NoPermissionError

        with _client(environ) as client:
            try:
                return [str(key) for key in client.scan_iter()]
            except NoPermissionError:
                return None

    @contextmanager
    def session(self, environ: Mapping[str, str]) -> Iterator[Callable[[str], Any]]:
        """Open one connection, which is not opened anew."""
        with _client(environ) as client:
            pool: Any = client.connection_pool
            connection = pool.make_connection()
            connection.connect()
            try:
                yield lambda key: _ask(connection, _key(environ, key))
            finally:
                connection.disconnect()

    def listing(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return sessions, users and slow commands, where they are shown."""
        from valkey.exceptions import NoPermissionError

        found: list[str] = []
        with _client(environ) as client:
            for words in (("CLIENT", "LIST"), ("ACL", "USERS"), ("SLOWLOG", "GET"), ("INFO",)):
                with suppress(NoPermissionError):
                    found.append(str(client.execute_command(*words)))
        return found

    def facts(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Return what INFO says, where it is allowed."""
        from valkey.exceptions import NoPermissionError

        with _client(environ) as client, suppress(NoPermissionError):
            found: Any = client.info()
            told: Any = client.config_get("timeout", "appendfsync", "maxmemory-policy")
            return {
                "version": str(found["valkey_version"]),
                "maxmemory": _in_words(int(found["maxmemory"])),
                **{name: str(value) for name, value in told.items()},
            }
        return {}

    def rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        """Return commands; the only app of a server may do more than one of several."""
        alone = "VALKEY_PREFIX" not in environ
        more = dict.fromkeys(OWNER, alone) | ({} if alone else dict.fromkeys(OTHERS, False))
        more |= dict.fromkeys(SAVES, alone and _is_persistent(environ))
        return dict.fromkeys(ALLOWED, True) | dict.fromkeys(REFUSED, False) | more

    def reader_rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        """Return commands that read, and those that change keys, or the server."""
        others = {} if "VALKEY_PREFIX" not in environ else dict.fromkeys(OTHERS, False)
        return dict.fromkeys(READS, True) | dict.fromkeys((*REFUSED, *CHANGES), False) | others

    def kinds(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return types of values, keys of a further database, and functions where an app may have some."""
        return (*_TYPES, "database", *(("function",) if "VALKEY_PREFIX" not in environ else ()))

    def make(self, environ: Mapping[str, str], kind: str) -> None:
        """Keep one."""
        with _client(environ, 1 if kind == "database" else 0) as client:
            if kind in _TYPES:
                _write(client, environ, kind, _TYPES[kind][0])
            elif kind == "database":
                client.set(_key(environ, "kit-database"), "kept")
            else:
                client.function_load(_FUNCTION, replace=True)

    def change(self, environ: Mapping[str, str], kind: str) -> bool:
        """Let it hold something else."""
        with _client(environ, 1 if kind == "database" else 0) as client:
            if kind in _TYPES:
                _write(client, environ, kind, _TYPES[kind][1])
            elif kind == "database":
                client.set(_key(environ, "kit-database"), "changed")
            else:
                client.function_load(_FUNCTION.replace("'kept'", "'changed'"), replace=True)
        return True

    def look(self, environ: Mapping[str, str], kind: str) -> str:
        """Return what it holds."""
        with _client(environ, 1 if kind == "database" else 0, decode=kind not in _TYPES) as client:
            if kind in _TYPES:
                return str(client.dump(_key(environ, f"kit-{kind.replace(' ', '-')}")))
            return str(client.get(_key(environ, "kit-database")) if kind == "database" else client.fcall("kit", 0))

    def attempt(self, environ: Mapping[str, str], action: str) -> None:
        """Send a command. A server that lets it through and cannot do it has not refused it."""
        from valkey.exceptions import NoPermissionError, ResponseError

        named = {"{key}": _key(environ, "right"), "{prefix}": _key(environ, "")}
        words = [re.sub(r"{\w+}", lambda found: named[found[0]], word) for word in shlex.split(action)]
        with _client(environ) as client:
            connection: Any = client.connection_pool.make_connection()
            connection.connect()
            try:
                connection.send_command(*words, check_health=False)
                connection.read_response(disable_decoding=True)
            except NoPermissionError:
                raise
            except ResponseError as error:
                if "NOPERM" in str(error):  # within the refusal of a transaction
                    raise
            finally:
                connection.disconnect()


def _write(client: Any, environ: Mapping[str, str], kind: str, command: str) -> None:
    word, *values = command.split()
    client.execute_command(word, _key(environ, f"kit-{kind.replace(' ', '-')}"), *values)


def _ask(connection: Any, key: str) -> Any:
    connection.send_command("GET", key, check_health=False)
    return connection.read_response()


def _is_persistent(environ: Mapping[str, str]) -> bool:
    """Return whether the server of the only app keeps data on a disk."""
    with _client(environ) as client:
        told: Any = client.config_get("appendonly")
    return bool(told["appendonly"] == "yes")


def _in_words(number: int) -> str:
    """Write bytes as the config does."""
    return f"{number >> 30}GB" if number % (1 << 30) == 0 else f"{number >> 20}MB"


def _client(environ: Mapping[str, str], database: int = 0, *, decode: bool = True) -> Valkey:
    from valkey import Valkey

    return Valkey(
        host=environ["VALKEY_HOST"],
        port=int(environ["VALKEY_PORT"]),
        username=environ.get("VALKEY_USERNAME", "default"),
        password=environ["VALKEY_PASSWORD"],
        db=database,
        decode_responses=decode,
        socket_timeout=10,
    )


def _key(environ: Mapping[str, str], key: str) -> str:
    return environ.get("VALKEY_PREFIX", "") + key
