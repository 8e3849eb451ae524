"""Buckets on services that know less than AWS."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from addonkit_s3_remote.buckets import Standing, standing
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.service import service_of

UNKNOWN = "<Error><Code>NotImplemented</Code><Message>Not known.</Message></Error>"


async def test_a_name_is_free_also_where_tags_are_not_known(between: Any, place: Place) -> None:
    async def refuse_tags(request: web.Request) -> web.Response | None:
        if "tagging" in request.query:
            return web.Response(status=501, text=UNKNOWN, content_type="application/xml")
        return None

    async with between(refuse_tags) as told:
        assert await standing(service_of(told), f"free-{time.time_ns()}", "instance") is Standing.FREE
        assert await standing(service_of(told), place.bucket, "instance") is Standing.UNMARKED
