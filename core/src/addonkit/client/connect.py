"""Opens a connection to `addonkit serve`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from addonkit.client.remote import RemoteKit
from addonkit.client.transport import Transport
from addonkit.errors import InvalidInput
from addonkit.models.execution import Event

_UNIX: Final = "unix:"


@asynccontextmanager
async def connect(
    url: str | None = None, *, token: str | None = None, on_event: Callable[[Event], None] | None = None
) -> AsyncIterator[RemoteKit]:
    """Work on a home that `addonkit serve` serves, as `addonkit.open` does on one of this process.

    Args:
        url: `unix:/path/to/api.sock`, `http://127.0.0.1:8700` or `https://...`; default is ADDONKIT_URL.
        token: for a service on TCP; default is ADDONKIT_TOKEN.
        on_event: called with what happens to what was asked for.

    Raises:
        InvalidInput: the URL is none of these.
    """
    import aiohttp

    url = os.environ.get("ADDONKIT_URL", "") if url is None else url
    token = os.environ.get("ADDONKIT_TOKEN", "") if token is None else token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connector: aiohttp.BaseConnector | None = None
    base = url.rstrip("/")
    if url.startswith(_UNIX):
        connector, base, headers = aiohttp.UnixConnector(url.removeprefix(_UNIX)), "http://localhost", {}
    elif not url.startswith(("http://", "https://")):
        advice = "use one like unix:/path/to/api.sock, http://127.0.0.1:8700 or https://host:8700"
        raise InvalidInput(f"cannot reach addonkit at {url!r}", "it is no URL of a service", advice)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
        yield RemoteKit(Transport(session, base, url, on_event), url)
