"""How an app uses a store: through its variables alone. For the conformance kit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from addonkit.testing import ConformanceClient

if TYPE_CHECKING:
    from valkey import Valkey


class Client(ConformanceClient):
    """Values under keys. Writes through the URL, reads through the parts."""

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
        """The value, None without one."""
        with _client(environ) as client:
            found: Any = client.get(_key(environ, key))
        return None if found is None else str(found)

    def keys(self, environ: Mapping[str, str]) -> Collection[str] | None:
        """All keys of the server, where it lists any."""
        from valkey.exceptions import NoPermissionError

        with _client(environ) as client:
            try:
                return [str(key) for key in client.scan_iter()]
            except NoPermissionError:
                return None


def _client(environ: Mapping[str, str]) -> Valkey:
    from valkey import Valkey

    return Valkey(
        host=environ["VALKEY_HOST"],
        port=int(environ["VALKEY_PORT"]),
        username=environ.get("VALKEY_USERNAME", "default"),
        password=environ["VALKEY_PASSWORD"],
        decode_responses=True,
        socket_timeout=10,
    )


def _key(environ: Mapping[str, str], key: str) -> str:
    return environ.get("VALKEY_PREFIX", "") + key
