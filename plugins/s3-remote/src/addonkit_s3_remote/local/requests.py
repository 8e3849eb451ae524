"""One request as the gate sees it: read from a WSGI environment, changed there."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

Environ = dict[str, Any]

UNSIGNED: Final = "UNSIGNED-PAYLOAD"


@attrs.frozen
class Refusal(Exception):
    """The answer to a request that is not let in."""

    code: str
    message: str
    status: str = "403 Forbidden"


@attrs.frozen
class Incoming:
    """A request, its parts as they came over the wire.

    Attributes:
        method: in capitals.
        path: still percent-encoded.
        query: still percent-encoded, without the `?`.
        headers: by their names in small letters.
        environ: what it was read from.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    environ: Environ

    @classmethod
    def of(cls, environ: Environ) -> Incoming:
        """Read one."""
        raw = environ.get("RAW_URI") or environ.get("PATH_INFO", "/")
        if "://" in raw.split("?", 1)[0]:
            parts = urlsplit(raw)
            raw = f"{parts.path}?{parts.query}" if parts.query else parts.path
        path, _, query = raw.partition("?")
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_") or name in {"CONTENT_TYPE", "CONTENT_LENGTH"}
        }
        return cls(environ["REQUEST_METHOD"].upper(), path, query, headers, environ)

    @property
    def arguments(self) -> dict[str, str]:
        """Arguments of the query, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def url(self) -> str:
        """The whole address."""
        query = f"?{self.query}" if self.query else ""
        return f"http://{self.headers.get('host', '')}{self.path}{query}"

    @property
    def place(self) -> tuple[str, str]:
        """Bucket and key, each empty when there is none; the bucket may be in the host name."""
        path = unquote(self.path).lstrip("/")
        host = self.headers.get("host", "").partition(":")[0]
        if host.endswith(".localhost"):
            return host.removesuffix(".localhost"), path
        bucket, _, key = path.partition("/")
        return bucket, key

    def without(self, names: Collection[str]) -> Incoming:
        """Return it without arguments of these names (in small letters), in the environment too."""
        kept = [each for each in self.query.split("&") if unquote(each.partition("=")[0]).lower() not in names]
        query = "&".join(each for each in kept if each)
        self.environ["QUERY_STRING"] = query
        self.environ["RAW_URI"] = self.environ["REQUEST_URI"] = f"{self.path}?{query}" if query else self.path
        return attrs.evolve(self, query=query)

    def body(self) -> bytes:
        """Read the whole body; it can be read again by who comes later."""
        stream = self.environ["wsgi.input"]
        content: bytes = stream.read() if self.environ.get("wsgi.input_terminated") else stream.read(self._length())
        self.environ["wsgi.input"] = io.BytesIO(content)
        return content

    def _length(self) -> int:
        return int(self.headers.get("content-length") or 0)
