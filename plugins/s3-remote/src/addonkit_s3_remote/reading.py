"""Reads the objects of a place in the order they are listed: small ones ahead, large ones as a stream."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from addonkit_s3_remote.client import code_of, if_there
from addonkit_s3_remote.faults import ABSENT, UNSUPPORTED
from addonkit_s3_remote.listing import BATCH
from addonkit_s3_remote.objects import About, Entry, about_of
from addonkit_s3_remote.places import Place

SMALL: Final = 256 * 1024
"""Bytes of an object that is read ahead."""

AHEAD: Final = 8
"""Objects that are read ahead at once."""

CHUNK: Final = 256 * 1024

_REMOVED: Final = ABSENT - {"NoSuchBucket"}
"""Codes that an object was removed meanwhile: without its bucket a copy would lack objects and look whole."""


class Content:
    """An object whose content is read once."""

    def __init__(self, about: About, size: int, body: Any, read: bytes | None) -> None:
        self.about = about
        self.size = size
        self._body = body
        self._read = read
        self._hash = hashlib.sha256()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content."""
        if self._read is not None:
            self._hash.update(self._read)
            yield self._read
            return
        try:
            while chunk := await self._body.read(CHUNK):
                self._hash.update(chunk)
                yield chunk
        finally:
            self._body.close()

    @property
    def sha256(self) -> str:
        """Of what was read."""
        return self._hash.hexdigest()


async def is_versioned(client: Any, bucket: str) -> bool:
    """Return whether a bucket has, or had, versions."""
    try:
        found = await client.get_bucket_versioning(Bucket=bucket)
    except client.exceptions.ClientError as error:
        if code_of(error) in UNSUPPORTED:
            return False
        raise
    return found.get("Status") in {"Enabled", "Suspended"}


async def entries(client: Any, place: Place) -> AsyncIterator[Entry]:
    """Yield the objects of a place that has no versions."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=place.bucket, Prefix=place.prefix, PaginationConfig={"PageSize": BATCH}
    )
    async for page in pages:
        for each in page.get("Contents", ()):
            if each["Key"].startswith(place.prefix):
                yield Entry(each["Key"].removeprefix(place.prefix), "", int(each.get("Size") or 0))


async def versions(client: Any, place: Place, removed: list[str]) -> AsyncIterator[Entry]:
    """Yield the versions of all objects, the oldest of each first; `removed` gets the keys that end with a removal."""
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=place.bucket, Prefix=place.prefix, PaginationConfig={"PageSize": BATCH}
    )
    kept: list[dict[str, Any]] = []
    async for page in pages:
        markers = (each["Key"] for each in page.get("DeleteMarkers", ()) if each.get("IsLatest"))
        removed += (key.removeprefix(place.prefix) for key in markers if key.startswith(place.prefix))
        for each in page.get("Versions", ()):
            if kept and kept[0]["Key"] != each["Key"]:
                for entry in _oldest_first(kept, place):
                    yield entry
                kept = []
            if each["Key"].startswith(place.prefix):
                kept.append(each)
    for entry in _oldest_first(kept, place):
        yield entry


def _oldest_first(found: list[dict[str, Any]], place: Place) -> list[Entry]:
    return [
        Entry(
            each["Key"].removeprefix(place.prefix),
            "" if each.get("IsLatest") else each["VersionId"],
            int(each.get("Size") or 0),
            age,
            bool(each.get("IsLatest")),
        )
        for age, each in enumerate(reversed(found))
    ]


async def contents(client: Any, place: Place, found: AsyncIterator[Entry]) -> AsyncIterator[Content]:
    """Yield the objects with their content; those that were removed meanwhile are left out."""
    waiting: deque[asyncio.Task[Content | None]] = deque()
    try:
        async for entry in found:
            waiting.append(asyncio.create_task(_content(client, place, entry)))
            while len(waiting) >= AHEAD or (waiting and entry.size > SMALL):
                if content := await waiting.popleft():
                    yield content
        while waiting:
            if content := await waiting.popleft():
                yield content
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _content(client: Any, place: Place, entry: Entry) -> Content | None:
    named = {"Bucket": place.bucket, "Key": place.prefix + entry.key}
    if entry.version:
        named["VersionId"] = entry.version
    answer = await if_there(client.get_object(**named), _REMOVED)
    if answer is None:
        return None
    tags = await _tags(client, named) if answer.get("TagCount") else {}
    size, body = int(answer["ContentLength"]), answer["Body"]
    read = None
    if size <= SMALL:
        async with body:
            read = await body.read()
    return Content(about_of(answer, entry, tags), size, body, read)


async def _tags(client: Any, named: dict[str, str]) -> dict[str, str]:
    answer = await if_there(client.get_object_tagging(**named), _REMOVED) or {}
    return {each["Key"]: each["Value"] for each in sorted(answer.get("TagSet", ()), key=lambda each: str(each["Key"]))}


async def enable_versions(client: Any, bucket: str) -> None:
    """Have a bucket keep versions, where the service has them."""
    with suppress(client.exceptions.ClientError):
        await client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
