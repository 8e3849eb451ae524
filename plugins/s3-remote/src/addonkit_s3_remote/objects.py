"""What is in a bucket or folder: counted, and removed in batches. Removing may be broken off and repeated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final

import attrs

from addonkit import AddonkitError, TransientError, Usage
from addonkit_s3_remote.client import PATIENCE_FOR_MANY, code_of, if_there, s3
from addonkit_s3_remote.faults import ABSENT, UNSUPPORTED, Refused, refused
from addonkit_s3_remote.service import Service

BATCH: Final = 1000
"""Objects in one request: what services allow at most."""

AT_ONCE: Final = 16
"""Requests under way when a service cannot remove several objects in one."""

Progress = Callable[[str], Any]


@attrs.frozen
class Place:
    """A bucket, or one folder of it."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"bucket {self.bucket}/{self.prefix}" if self.prefix else f"bucket {self.bucket}"


@attrs.frozen
class Found:
    """A version of an object; `version` is empty on services without versions."""

    key: str
    version: str
    size: int


@attrs.frozen
class Listing:
    """A way to list objects: the call, and under which names its answer has them."""

    call: str
    kinds: tuple[str, ...]


_VERSIONS: Final = Listing("list_object_versions", ("Versions", "DeleteMarkers"))
_OBJECTS: Final = Listing("list_objects_v2", ("Contents",))
"""Asked too where the first has nothing: services without versions answer it with an error, or with nothing."""


async def measure(service: Service, place: Place, most: int) -> Usage:
    """How many objects and bytes there are; stops counting at `most` objects."""
    count = size = 0
    async with s3(service, f"counting the objects of {place}") as client:
        for listing in (_VERSIONS, _OBJECTS):
            async for page in _pages(client, place, listing):
                count += len(page)
                size += sum(each.size for each in page)
                if count >= most:
                    return Usage(count, size, complete=False)
            if count:
                break
    return Usage(count, size)


async def remove_all(service: Service, place: Place, progress: Progress) -> int:
    """Remove all versions of all objects; how many. A bucket that is gone has none."""
    removed = 0
    try:
        async with s3(service, f"removing the objects of {place}", patience=PATIENCE_FOR_MANY) as client:
            for listing in (_VERSIONS, _OBJECTS):
                before: tuple[Found, ...] = ()
                # From the beginning each time: what follows a place that is gone is not told by all services.
                while page := await _first_page(client, place, listing):
                    if page == before:
                        raise TransientError(f"removing the objects of {place}", "they are still listed")
                    before = page
                    await _remove(client, place, page)
                    removed += len(page)
                    progress(f"{removed:,} {'object' if removed == 1 else 'objects'} removed")
    except Refused as refusal:
        if refusal.code != "NoSuchBucket":
            raise
    return removed


async def abort_uploads(service: Service, place: Place, progress: Progress) -> int:
    """Give up uploads that were begun and not finished, a page at a time; how many."""
    try:
        async with s3(service, f"ending unfinished uploads to {place}") as client:
            return await _abort(client, place, progress)
    except Refused as refusal:
        if refusal.code in UNSUPPORTED | ABSENT:
            return 0
        raise


async def _abort(client: Any, place: Place, progress: Progress) -> int:
    ended = 0
    pages = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=place.bucket, Prefix=place.prefix, PaginationConfig={"PageSize": BATCH}
    )
    async for page in pages:
        mine = [upload for upload in page.get("Uploads", ()) if upload["Key"].startswith(place.prefix)]
        await _each(
            client.abort_multipart_upload(Bucket=place.bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            for upload in mine
        )
        ended += len(mine)
        if mine:
            progress(f"{ended:,} unfinished uploads ended")
    return ended


async def _first_page(client: Any, place: Place, listing: Listing) -> tuple[Found, ...]:
    async for page in _pages(client, place, listing):
        return page
    return ()


async def _pages(client: Any, place: Place, listing: Listing) -> AsyncIterator[tuple[Found, ...]]:
    """Pages that are not empty; none when the service does not know this listing."""
    size = {"PageSize": BATCH}
    try:
        async for page in client.get_paginator(listing.call).paginate(
            Bucket=place.bucket, Prefix=place.prefix, PaginationConfig=size
        ):
            found = tuple(_found(each) for kind in listing.kinds for each in page.get(kind, ()))
            # Looked at again here: a service that does not heed the prefix must not cost another app its data.
            mine = tuple(each for each in found if each.key.startswith(place.prefix))
            if mine:
                yield mine
    except client.exceptions.ClientError as error:
        if listing is _OBJECTS or code_of(error) not in UNSUPPORTED:
            raise


def _found(entry: Mapping[str, Any]) -> Found:
    return Found(entry["Key"], entry.get("VersionId") or "", int(entry.get("Size") or 0))


async def _remove(client: Any, place: Place, page: tuple[Found, ...]) -> None:
    try:
        answer = await client.delete_objects(
            Bucket=place.bucket, Delete={"Objects": [_named(each) for each in page], "Quiet": True}
        )
    except client.exceptions.ClientError as error:
        if code_of(error) not in UNSUPPORTED | {"MissingContentMD5", "InvalidRequest", "MalformedXML"}:
            raise
        await _remove_each(client, place, page)
        return
    for failed in answer.get("Errors", ()):
        if failed.get("Code") not in ABSENT:
            raise _left(place, failed)


async def _remove_each(client: Any, place: Place, page: tuple[Found, ...]) -> None:
    await _each(client.delete_object(Bucket=place.bucket, **_named(each)) for each in page)


async def _each(calls: Iterable[Awaitable[Any]]) -> None:
    """Make calls that each remove one thing, some at once. What is gone is success."""
    left = iter(calls)
    while group := tuple(islice(left, AT_ONCE)):
        await asyncio.gather(*map(if_there, group))


def _named(found: Found) -> dict[str, str]:
    return {"Key": found.key, "VersionId": found.version} if found.version else {"Key": found.key}


def _left(place: Place, failed: Mapping[str, Any]) -> AddonkitError:
    return refused(
        f"removing {failed.get('Key', 'an object')} of {place}",
        str(failed.get("Code", "")),
        str(failed.get("Message", "")),
        200,
    )
