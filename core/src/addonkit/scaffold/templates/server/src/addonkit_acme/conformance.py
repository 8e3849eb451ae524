"""How an app uses what it gets: through its variables, and nothing else. The conformance kit asks for it."""

import base64
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from addonkit.testing import ConformanceClient


class Client(ConformanceClient):
    """Values under keys, over HTTP."""

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value."""
        _call(environ, "PUT", key, value.encode())

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """The value, None without one."""
        try:
            return _call(environ, "GET", key).decode()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


def _call(environ: Mapping[str, str], method: str, key: str, body: bytes | None = None) -> bytes:
    url = urlsplit(environ["ACME_URL"])
    login = f"{unquote(url.username or '')}:{unquote(url.password or '')}"
    request = urllib.request.Request(
        f"http://{url.hostname}:{url.port}/{quote(key, safe='')}",
        method=method,
        data=body,
        headers={"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content
