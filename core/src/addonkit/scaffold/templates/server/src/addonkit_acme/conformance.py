"""How an app uses what it gets: through its variables, and nothing else. The conformance kit asks for it."""

import base64
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote, unquote, urlsplit

from addonkit.testing import ConformanceClient


class Client(ConformanceClient):
    """Values under keys, over HTTP."""

    not_applicable: ClassVar[Mapping[str, str]] = {
        "sessions_end_with_the_login": "each request carries the password; the server keeps no sessions",
        "an_app_sees_no_statement_of_another": "each app has a server of its own, which shows no requests",
        "an_app_sees_no_name_of_another": "each app has a server of its own, which has one user",
    }

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value."""
        _call(environ, "PUT", key, value.encode())

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """The value, None without one."""
        try:
            return _call(environ, "GET", key)[0].decode()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def facts(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """What the server tells in headers: its version, as `BaseHTTP/0.6 Python/3.12.3`, and the option."""
        self.write(environ, "fact", "")
        headers = _call(environ, "GET", "fact")[1]
        return {"version": headers["Server"].rpartition("/")[2], "longest_value": headers["X-Longest-Value"]}


def _call(
    environ: Mapping[str, str], method: str, key: str, body: bytes | None = None
) -> tuple[bytes, Mapping[str, str]]:
    """What the server answers, and its headers."""
    url = urlsplit(environ["ACME_URL"])
    login = f"{unquote(url.username or '')}:{unquote(url.password or '')}"
    request = urllib.request.Request(
        f"http://{url.hostname}:{url.port}/{quote(key, safe='')}",
        method=method,
        data=body,
        headers={"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read(), answer.headers
