"""A small registry of the tests' own: it misbehaves on request, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from addonkit.images.checker import RegistryImageChecker
from addonkit.images.retries import Limits
from addonkit.testing.clock import FakeClock

MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}).encode()
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
TOKEN = "t0ken-of-the-token-server"


@attrs.frozen
class Asked:
    """One request that arrived."""

    method: str
    path: str
    authorization: str
    query: dict[str, list[str]]
    accept: str
    cookie: str
    form: dict[str, str]


@attrs.define
class SmallRegistry:
    """Has `team/app:1`. Every field is a way to behave.

    `troubles` are answers (status, headers) given first, one a request, and only to requests of the path they name.
    """

    login: str = ""
    user: str = "reader:correct-horse"
    anonymous: bool = False
    challenge: str = ""
    head_status: int = 0
    states_digest: bool = True
    body: bytes = MANIFEST
    redirect: str = ""
    redirect_let_in: str = ""
    hangs: bool = False
    token_key: str = "token"
    token_answer: tuple[int, str] | None = None
    troubles: list[tuple[str, int, dict[str, str]]] = attrs.field(factory=list)
    known: set[tuple[str, str]] = attrs.field(factory=lambda: {("team/app", "1"), ("team/app", DIGEST)})
    asked: list[Asked] = attrs.field(factory=list)
    host: str = ""
    released: asyncio.Event = attrs.field(factory=asyncio.Event)

    @property
    def image(self) -> str:
        return f"{self.host}/team/app:1"

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"

    @property
    def methods(self) -> list[str]:
        return [each.method for each in self.asked]

    async def manifest(self, request: web.Request) -> web.StreamResponse:
        if self.hangs:
            await self.released.wait()
        if self.redirect:
            return web.Response(status=307, headers={"Location": self.redirect + request.path})
        if self.login and not self._lets_in(request):
            challenge = self.challenge or self._challenge()
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        if self.redirect_let_in:
            return web.Response(status=307, headers={"Location": self.redirect_let_in + request.path})
        if request.method == "HEAD" and self.head_status:
            return web.Response(status=self.head_status)
        if (request.match_info["name"], request.match_info["reference"]) not in self.known:
            return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)
        headers = {"Docker-Content-Digest": self.digest} if self.states_digest else {}
        return web.Response(body=self.body, headers=headers)

    async def token(self, request: web.Request) -> web.StreamResponse:
        if self.token_answer:
            return web.Response(status=self.token_answer[0], text=self.token_answer[1])
        form = await request.post()
        known = form.get("refresh_token") == "refresh-me" or request.headers.get("Authorization") == self._basic()
        if not known and not (self.anonymous and "Authorization" not in request.headers):
            return web.Response(status=401)
        return web.json_response({self.token_key: TOKEN})

    @web.middleware
    async def note(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        headers, query = request.headers, {key: request.query.getall(key) for key in request.query}
        form = {key: str(value) for key, value in (await request.post()).items()}
        shown = headers.get("Authorization", ""), query, headers.get("Accept", ""), headers.get("Cookie", ""), form
        self.asked.append(Asked(request.method, request.path, *shown))
        if self.troubles and request.path.startswith(self.troubles[0][0]):
            _, status, extra = self.troubles.pop(0)
            return web.Response(status=status, headers=extra)
        return await handler(request)

    def _lets_in(self, request: web.Request) -> bool:
        expected = self._basic() if self.login == "basic" else f"Bearer {TOKEN}"
        return request.headers.get("Authorization") == expected

    def _basic(self) -> str:
        return f"Basic {base64.b64encode(self.user.encode()).decode()}"

    def _challenge(self) -> str:
        if self.login == "basic":
            return 'Basic realm="registry"'
        return f'Bearer realm="http://{self.host}/token",service="small",scope="repository:team/app:pull"'


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Awaitable[SmallRegistry]]]:
    """Starts a registry on a free port of loopback; all end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**behaviour: object) -> SmallRegistry:
            registry = SmallRegistry(**behaviour)
            app = web.Application(middlewares=[registry.note])
            app.router.add_route("*", "/v2/{name:.+}/manifests/{reference}", registry.manifest)
            app.router.add_route("*", "/token", registry.token)
            server = TestServer(app, host="127.0.0.1")
            await server.start_server()
            stack.push_async_callback(server.close)
            stack.callback(registry.released.set)
            registry.host = f"127.0.0.1:{server.port}"
            return registry

        yield start


@pytest.fixture
async def start_raw() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Starts a server of plain connections, each closed after `wait` is over; answers with its `host:port`."""
    async with AsyncExitStack() as stack:

        async def start_raw(wait: Callable[[asyncio.StreamReader], Awaitable[object]]) -> str:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                stack.push_async_callback(asyncio.wait, [task])
                await wait(reader)
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start_raw


@pytest.fixture
def docker_config(tmp_path: Path) -> Path:
    """Where a test writes its logins; no file at first."""
    return tmp_path / "config.json"


@pytest.fixture
def clock() -> FakeClock:
    """Waiting takes no time."""
    return FakeClock()


@pytest.fixture
def checker(docker_config: Path, clock: FakeClock) -> RegistryImageChecker:
    """A checker that waits in no time and knows only the test's logins."""
    return RegistryImageChecker(docker_config=docker_config, clock=clock, limits=Limits(total=30))


@pytest.fixture
def log_in(docker_config: Path) -> Callable[..., None]:
    """Writes a login for a registry, as `docker login` would."""

    def log_in(host: str, user: str = "reader:correct-horse", **more: str) -> None:
        entry = {"auth": base64.b64encode(user.encode()).decode(), **more}
        docker_config.write_text(json.dumps({"auths": {host: entry}}))

    return log_in
