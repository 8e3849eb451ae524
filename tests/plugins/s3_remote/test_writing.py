"""Uploads: all that was put is there at the end, in its order; a failure is raised once and leaves no parts."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from aiohttp import web

from addonkit_s3_remote import writing
from addonkit_s3_remote.client import s3
from addonkit_s3_remote.faults import Refused
from addonkit_s3_remote.objects import About
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.service import Service, service_of
from addonkit_s3_remote.writing import Uploads

SMALLEST_PART = 5 * 1024 * 1024
LARGE = os.urandom(SMALLEST_PART + 1)
"""Written in two parts."""


async def chunks(*content: bytes) -> AsyncIterator[bytes]:
    for each in content:
        yield each


async def put(uploads: Uploads, key: str, content: bytes, *, in_order: bool = True) -> None:
    await uploads.put(About(key), len(content), chunks(content), in_order=in_order)


def versions(admin: Any, place: Place, key: str) -> list[bytes]:
    listed = admin.list_object_versions(Bucket=place.bucket, Prefix=key)["Versions"]
    found = [each["VersionId"] for each in listed]
    return [admin.get_object(Bucket=place.bucket, Key=key, VersionId=each)["Body"].read() for each in reversed(found)]


SECONDS = {"small": 0.4, "large": 1.0, "removed": 0.4, "settled": 0.4, "last": 0.4}
"""How long the first object of a key takes."""


async def test_versions_go_one_after_the_other_however_slow_one_is(
    between: Any, admin: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_PART", SMALLEST_PART)
    slow = dict(SECONDS)

    async def hold(request: web.Request) -> None:
        """Let the first object of each key take longer than those that come after it."""
        if request.method == "PUT" and "uploadId" not in request.query:
            await asyncio.sleep(slow.pop(request.path.rpartition("/")[2], 0))

    def keys() -> list[str]:
        return [each["Key"] for each in admin.list_objects_v2(Bucket=place.bucket)["Contents"]]

    async with between(hold) as told, s3(service_of(told), "writing") as client:
        async with Uploads(client, place) as uploads:
            await put(uploads, "small", b"1")
            await put(uploads, "small", b"2")
            await put(uploads, "large", b"1")
            await put(uploads, "large", LARGE)
            await put(uploads, "removed", b"1")
            await uploads.remove("removed")
            await put(uploads, "settled", b"1", in_order=False)
            await uploads.settle()
            assert keys() == ["large", "settled", "small"]
            await put(uploads, "last", b"1", in_order=False)
        assert keys() == ["large", "last", "settled", "small"]

    assert versions(admin, place, "small") == [b"1", b"2"]
    assert versions(admin, place, "large") == [b"1", LARGE]
    assert versions(admin, place, "removed") == [b"1"]


async def test_an_upload_that_ends_early_leaves_no_parts(
    service: Service, admin: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_PART", SMALLEST_PART)

    async def broken() -> AsyncIterator[bytes]:
        yield LARGE
        raise ValueError("no more")

    async with s3(service, "writing") as client:
        with pytest.raises(ValueError, match="no more"):
            async with Uploads(client, place) as uploads:
                await uploads.put(About("large"), len(LARGE) * 2, broken(), in_order=False)

    assert "Uploads" not in admin.list_multipart_uploads(Bucket=place.bucket)


async def kind_of_failure(work: Awaitable[None]) -> type[Exception] | None:
    """Return what is raised, and keep nothing of it."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - the test looks at its kind
        return type(error)
    return None


async def test_uploads_that_are_refused_are_said_once(
    between: Any, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """Several are under way at once: one failure is raised, and nothing is said of the others."""

    async def refuse(request: web.Request) -> web.Response | None:
        if request.method != "PUT":
            return None
        return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="application/xml")

    async def write(told: dict[str, str]) -> None:
        async with s3(service_of(told), "writing") as client, Uploads(client, place) as uploads:
            for number in range(3):
                await put(uploads, f"{number}", b"x", in_order=False)

    async with between(refuse) as told:
        raised = await kind_of_failure(write(told))

    gc.collect()
    assert (raised, [each.getMessage() for each in caplog.records if each.name == "asyncio"]) == (Refused, [])
