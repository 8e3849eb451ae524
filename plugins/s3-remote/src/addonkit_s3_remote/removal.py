"""Removes what is in a bucket or folder, in batches. May be broken off and repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final

from addonkit import AddonkitError, TransientError
from addonkit_s3_remote.client import PATIENCE_FOR_MANY, code_of, if_there, s3
from addonkit_s3_remote.faults import ABSENT, DENIED, UNSUPPORTED, Refused, refused
from addonkit_s3_remote.listing import BATCH, LISTINGS, Found, Listing, pages
from addonkit_s3_remote.locks import Lock, find_lock, locked
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.service import Service

AT_ONCE: Final = 16
"""Requests under way when a service cannot remove several objects in one."""

MOST_LOCKED: Final = 5 * BATCH
"""Locked objects that are passed over before the rest is left for another time."""

Progress = Callable[[str], Any]


async def remove_all(service: Service, place: Place, progress: Progress) -> int:
    """Remove all versions of all objects; return how many. A bucket that is gone has none.

    Raises:
        Refused: some are locked; all others are removed then, and it says until when.
    """
    removed = 0
    locks: dict[Found, Lock] = {}
    try:
        async with s3(service, f"removing the objects of {place}", patience=PATIENCE_FOR_MANY) as client:
            for listing in LISTINGS:
                before: tuple[Found, ...] = ()
                # From the beginning each time: what follows a place that is gone is not told by all services.
                while len(locks) < MOST_LOCKED and (page := await _next(client, place, listing, locks)):
                    if page == before:
                        raise TransientError(f"removing the objects of {place}", "they are still listed")
                    before = page
                    held = await _remove(client, place, page, bypass=service.bypass)
                    locks |= held
                    removed += len(page) - len(held)
                    progress(f"{removed:,} {'object' if removed == 1 else 'objects'} removed")
    except Refused as refusal:
        if refusal.code != "NoSuchBucket":
            raise
    if locks:
        raise locked(place, locks, bypassed=service.bypass)
    return removed


async def abort_uploads(service: Service, place: Place, progress: Progress) -> int:
    """Give up uploads that were begun and not finished, a page at a time; return how many."""
    try:
        async with s3(service, f"ending unfinished uploads to {place}") as client:
            return await _abort(client, place, progress)
    except Refused as refusal:
        if refusal.code in UNSUPPORTED | ABSENT:
            return 0
        raise


async def _abort(client: Any, place: Place, progress: Progress) -> int:
    ended = 0
    uploads = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=place.bucket, Prefix=place.prefix, PaginationConfig={"PageSize": BATCH}
    )
    async for page in uploads:
        mine = [upload for upload in page.get("Uploads", ()) if upload["Key"].startswith(place.prefix)]
        await _each(
            client.abort_multipart_upload(Bucket=place.bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            for upload in mine
        )
        ended += len(mine)
        if mine:
            progress(f"{ended:,} unfinished uploads ended")
    return ended


async def _next(client: Any, place: Place, listing: Listing, locks: Mapping[Found, Lock]) -> tuple[Found, ...]:
    """Return what of the first page that has more than locked objects is to be removed."""
    async for page in pages(client, place, listing):
        fresh = tuple(each for each in page if each not in locks)
        if fresh:
            return fresh
    return ()


async def _remove(client: Any, place: Place, page: tuple[Found, ...], *, bypass: bool) -> dict[Found, Lock]:
    """Remove objects; return those that are locked."""
    option = {"BypassGovernanceRetention": True} if bypass else {}
    try:
        answer = await client.delete_objects(
            Bucket=place.bucket, Delete={"Objects": [each.named for each in page], "Quiet": True}, **option
        )
    except client.exceptions.ClientError as error:
        if code_of(error) not in UNSUPPORTED | {"MissingContentMD5", "InvalidRequest", "MalformedXML"}:
            raise
        await _each(client.delete_object(Bucket=place.bucket, **each.named, **option) for each in page)
        return {}
    failed = [each for each in answer.get("Errors", ()) if each.get("Code") not in ABSENT]
    return await _locks(client, place, page, failed) if failed else {}


async def _locks(
    client: Any, place: Place, page: Iterable[Found], failed: Iterable[Mapping[str, Any]]
) -> dict[Found, Lock]:
    """Return the locks that made removals fail; raise for another reason."""
    locks: dict[Found, Lock] = {}
    for each in failed:
        # Not every service names the version that it did not remove.
        version = each.get("VersionId")
        concerned = [one for one in page if one.key == each.get("Key") and version in {None, "", one.version}]
        held = {one: await find_lock(client, place, one) for one in concerned} if each.get("Code") in DENIED else {}
        found = {one: lock for one, lock in held.items() if lock}
        if not found:
            raise _left(place, each)
        locks |= found
    return locks


async def _each(calls: Iterable[Awaitable[Any]]) -> None:
    """Make calls that each remove one thing, some at once. Things that don't exist count as removed."""
    left = iter(calls)
    while group := tuple(islice(left, AT_ONCE)):
        await asyncio.gather(*map(if_there, group))


def _left(place: Place, failed: Mapping[str, Any]) -> AddonkitError:
    return refused(
        f"removing {failed.get('Key', 'an object')} of {place}",
        str(failed.get("Code", "")),
        str(failed.get("Message", "")),
        200,
    )
