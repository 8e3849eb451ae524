"""Lists a bucket or folder page by page, and counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import attrs

from addonkit import Usage
from addonkit_s3_remote.client import code_of, s3
from addonkit_s3_remote.faults import UNSUPPORTED
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.service import Service

BATCH: Final = 1000
"""Objects in one request: what services allow at most."""


@attrs.frozen
class Found:
    """A version of an object; `version` is empty on services without versions."""

    key: str
    version: str
    size: int

    @property
    def named(self) -> dict[str, str]:
        """Return how a request names it."""
        return {"Key": self.key, "VersionId": self.version} if self.version else {"Key": self.key}


@attrs.frozen
class Listing:
    """A way to list objects: the call, and under which names its answer has them."""

    call: str
    kinds: tuple[str, ...]


_OBJECTS: Final = Listing("list_objects_v2", ("Contents",))
LISTINGS: Final = (Listing("list_object_versions", ("Versions", "DeleteMarkers")), _OBJECTS)
"""The second is asked where the first has nothing: services without versions answer that with nothing or an error."""


async def measure(service: Service, place: Place, most: int) -> Usage:
    """Return how many objects and bytes there are; stops counting at `most` objects."""
    count = size = 0
    async with s3(service, f"counting the objects of {place}") as client:
        for listing in LISTINGS:
            async for page in pages(client, place, listing):
                count += len(page)
                size += sum(each.size for each in page)
                if count >= most:
                    return Usage(count, size, complete=False)
            if count:
                break
    return Usage(count, size)


async def pages(client: Any, place: Place, listing: Listing) -> AsyncIterator[tuple[Found, ...]]:
    """Yield pages that are not empty; none when the service does not know this listing."""
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
