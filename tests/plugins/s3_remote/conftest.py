"""A local S3 service for the tests of this folder, and what may stand between it and the addon."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from io import BytesIO
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from addonkit_s3_remote.conformance import of_operator
from addonkit_s3_remote.local import local_service
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.service import Service, service_of

Judge = Callable[[web.Request], Awaitable[web.Response | None]]
Between = Callable[[Judge], AbstractAsyncContextManager[dict[str, str]]]

_OF_ONE_CONNECTION: Final = frozenset({"expect", "transfer-encoding", "connection", "content-length"})


@pytest.fixture(scope="session")
def local() -> Iterator[Mapping[str, str]]:
    """Settings of a service of its own."""
    with local_service() as settings:
        yield settings


@pytest.fixture
def service(local: Mapping[str, str]) -> Service:
    """The same as the addon knows it."""
    return service_of(local)


@pytest.fixture
def admin(local: Mapping[str, str]) -> Any:
    """The operator's own client."""
    return of_operator(local)


@pytest.fixture
def place(admin: Any) -> Place:
    """A bucket of its own that keeps versions."""
    bucket = f"box-{time.time_ns()}"
    admin.create_bucket(Bucket=bucket)
    admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return Place(bucket)


@pytest.fixture
def between(local: Mapping[str, str]) -> Between:
    """Puts a judge before the service, who waits or answers a request himself; settings of what stands there."""

    @asynccontextmanager
    async def stands(judge: Judge) -> AsyncIterator[dict[str, str]]:
        async with aiohttp.ClientSession(auto_decompress=False) as session:

            async def answer(request: web.Request) -> web.Response:
                await request.read()  # what is left of it would be taken for the next request
                judged = await judge(request)
                return await _passed_on(session, local["endpoint"], request) if judged is None else judged

            app = web.Application(client_max_size=0)
            app.router.add_route("*", "/{path:.*}", answer)
            runner = web.AppRunner(app, shutdown_timeout=1.0)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                yield {**local, "endpoint": f"http://127.0.0.1:{runner.addresses[0][1]}"}
            finally:
                await runner.cleanup()

    return stands


async def _passed_on(session: aiohttp.ClientSession, endpoint: str, request: web.Request) -> web.Response:
    url = URL(endpoint + request.raw_path, encoded=True)
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
    async with session.request(request.method, url, headers=headers, data=BytesIO(await request.read())) as answered:
        told = {name: value for name, value in answered.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
        return web.Response(status=answered.status, headers=told, body=await answered.read())


@pytest.fixture
def admin_of_users(local: Mapping[str, str]) -> Any:
    """The operator's client of IAM."""
    return of_operator(local, "iam")
