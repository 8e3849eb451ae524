"""One HTTP request and its answer, or one clear reason why there is none."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.request import getproxies, proxy_bypass

import attrs

from addonkit.images.endpoints import is_loopback
from addonkit.images.retries import Limits

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from yarl import URL

BODY_MAX: Final = 4 * 1024 * 1024
"""Longest answer that is read, in bytes: the size up to which registries accept manifests."""


class NoAnswer(Exception):
    """There is no usable answer; the text says why, to stand behind the name of the registry."""


class Interrupted(NoAnswer):
    """The connection broke: worth another try."""


@attrs.frozen
class Answer:
    """One HTTP answer, read to its end.

    Attributes:
        status: as the last server said.
        headers: names in small letters; several of one name in order.
        body: decoded, at most `BODY_MAX` bytes; empty for HEAD.
        away: whether it comes from another host than the one that was asked.
    """

    status: int
    headers: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    body: bytes = attrs.field(default=b"", repr=False)
    away: bool = False

    def header(self, name: str) -> str:
        """Return the first value of a header; empty without one."""
        return next(iter(self.headers.get(name, ())), "")


def open_session(limits: Limits) -> ClientSession:
    """Return a session that keeps no cookies and reads no logins of its own. Close it by `async with`.

    It limits the time of a connection only; who asks limits the whole.
    """
    import aiohttp

    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "addonkit"},
    )


async def exchange(
    session: ClientSession, method: str, url: URL, headers: Mapping[str, str], form: Mapping[str, str] | None = None
) -> Answer:
    """Send one request; redirects are answers.

    Raises:
        Interrupted: when the connection breaks off.
        NoAnswer: when there is no connection, or the answer is longer than `BODY_MAX`.
    """
    import aiohttp

    try:
        async with session.request(
            method, url, headers=headers, data=form, allow_redirects=False, proxy=_proxy(url)
        ) as response:
            return await _read(response)
    except aiohttp.ClientConnectorError as error:
        raise NoAnswer(_why_not_connected(error)) from None
    except aiohttp.ConnectionTimeoutError:
        raise NoAnswer("cannot be connected to in time") from None
    except aiohttp.InvalidURL:
        raise NoAnswer("is behind something that is not a URL") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Interrupted(f"breaks the connection off ({type(error).__name__})") from None


async def _read(response: ClientResponse) -> Answer:
    body = b""
    async for part in response.content.iter_chunked(65536):
        body += part
        if len(body) > BODY_MAX:
            raise NoAnswer(f"answers with more than {BODY_MAX // 1024 // 1024} MiB")
    names = {name.lower() for name in response.headers}
    return Answer(response.status, {name: tuple(response.headers.getall(name)) for name in names}, body)


def _why_not_connected(error: Exception) -> str:
    """In our words: the library's own may repeat a proxy's URL with its password."""
    import aiohttp

    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return "cannot be reached: the proxy does not answer"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "cannot be reached: its name does not resolve"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "has a certificate that is not trusted here"
    if isinstance(error, aiohttp.ClientSSLError):
        return "does not speak TLS as expected; if it speaks plain HTTP, list it as insecure"
    number = getattr(error, "errno", None)
    return f"cannot be reached: {os.strerror(number).lower() if number else 'no connection'}"


def _proxy(url: URL) -> str | None:
    """Return the proxy that the environment names for a URL. Read here because the library would also read `.netrc`."""
    host = url.host or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    named = getproxies().get(url.scheme)
    if not named:
        return None
    proxy = named if "://" in named else f"http://{named}"
    if not _usable(proxy):
        raise NoAnswer("would be asked through a proxy of the environment that is not a plain http or https URL")
    return proxy


def _usable(proxy: str) -> bool:
    from yarl import URL

    try:
        url = URL(proxy)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)
