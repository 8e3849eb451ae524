"""Numbers for Prometheus."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from addonkit.server.endpoints import Call, Endpoints

endpoint: Final = Endpoints()


@endpoint("GET", "/metrics", media="text/plain")
async def get_metrics(call: Call) -> web.StreamResponse:
    """Give numbers in the text format of Prometheus. Needs a token that reaches all apps."""
    call.principal.require_all(call.attempted)
    return web.Response(body=await call.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
