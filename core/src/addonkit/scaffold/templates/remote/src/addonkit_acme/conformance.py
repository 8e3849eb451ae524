"""How an app uses what it gets, through its variables, and a service for the tests. The conformance kit asks for it."""

import base64
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar
from urllib.parse import quote, urlsplit

from addonkit.testing import ConformanceClient


class Client(ConformanceClient):
    """Values under keys, over HTTP."""

    not_applicable: ClassVar[Mapping[str, str]] = {
        "sessions_end_with_the_login": "each request carries the password; the service keeps no sessions",
        "an_app_sees_no_statement_of_another": "the service shows accounts nothing but their values",
        "an_app_sees_no_name_of_another": "the service shows accounts nothing but their values",
        "the_server_is_what_the_variant_says": "the service tells neither its version nor limits",
    }

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value."""
        _call(_place(environ, key), _login(environ), "PUT", value.encode())

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """The value, None without one."""
        try:
            return _call(_place(environ, key), _login(environ)).decode()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    @contextmanager
    def service(self) -> Iterator[Mapping[str, str]]:
        """The service of local.py, and the settings that lead to it."""
        command = [sys.executable, "-m", "addonkit_acme.local"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                endpoint, token = (process.stdout.readline().strip().partition("=")[2] for _ in range(2))
                yield {"endpoint": endpoint, "token": token}
            finally:
                process.terminate()

    def left_behind(self, settings: Mapping[str, str]) -> Collection[str]:
        """All accounts."""
        return _call(f"{settings['endpoint']}/accounts", f"Bearer {settings['token']}").decode().split()


def _place(environ: Mapping[str, str], key: str) -> str:
    url = urlsplit(environ["ACME_URL"])
    return f"http://{url.hostname}:{url.port}/data/{environ['ACME_USERNAME']}/{quote(key, safe='')}"


def _login(environ: Mapping[str, str]) -> str:
    login = f"{environ['ACME_USERNAME']}:{environ['ACME_PASSWORD']}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def _call(url: str, login: str, method: str = "GET", body: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, method=method, data=body, headers={"Authorization": login})
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content
