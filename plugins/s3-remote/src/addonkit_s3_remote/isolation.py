"""Checks that a key opens only its own: by trying, since not every service judges what policies say."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from addonkit import AddonkitError
from addonkit_s3_remote.client import s3
from addonkit_s3_remote.faults import Refused
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.service import Key, Service

_MOST_TRIED: Final = 3
"""Buckets of others that are tried: a service that opens one opens most."""

_THERE: Final = "NoSuchKey"
"""The code by which a service that lets a key read says that it would have, were there anything."""


async def reached(service: Service, key: Key, place: Place) -> str:
    """Return what the key reaches outside its place, in words; empty when nothing was found.

    Raises:
        TransientError: when the service does not answer right now.
    """
    if place.prefix and (beyond := await _beyond(service, key, Place(place.bucket))):
        return beyond
    for bucket in await _others(service, key, place.bucket):
        try:
            beyond = await _beyond(service, key, Place(bucket))
        except AddonkitError:
            continue  # a bucket that does not answer, as one elsewhere, is not reached
        if beyond:
            return beyond
    return ""


async def _beyond(service: Service, key: Key, place: Place) -> str:
    """Try to list and to read a whole bucket; nothing is written."""
    if await _may(service, key, lambda client: client.list_objects_v2(Bucket=place.bucket, MaxKeys=1)):
        return f"lists all of {place}"
    name = f"addonkit-{secrets.token_hex(8)}"
    if await _may(service, key, lambda client: client.get_object(Bucket=place.bucket, Key=name)):
        return f"reads all of {place}"
    return ""


async def _may(service: Service, key: Key, call: Callable[[Any], Awaitable[Any]]) -> bool:
    try:
        async with s3(service, "trying what the new key opens", key) as client:
            await call(client)
    except Refused as refusal:
        return refusal.code == _THERE
    return True


async def _others(service: Service, key: Key, own: str) -> tuple[str, ...]:
    """Return names of buckets that the administrator or the key itself sees."""
    names: set[str] = {service.bucket} - {""}
    for each in (service.key, key):
        try:
            async with s3(service, "listing buckets", each) as client:
                found = (await client.list_buckets()).get("Buckets", ())
        except AddonkitError:
            continue  # it need not be allowed
        names.update(bucket["Name"] for bucket in found)
    return tuple(sorted(names - {own}))[:_MOST_TRIED]
