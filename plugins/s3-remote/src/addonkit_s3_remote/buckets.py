"""Buckets: made, marked as ours, hardened, removed. Every function may be repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final

import attrs

from addonkit import AddonkitError
from addonkit_s3_remote.client import s3
from addonkit_s3_remote.faults import ABSENT, DENIED, UNSUPPORTED, Refused, no_such_bucket, refused
from addonkit_s3_remote.service import Service

TAG: Final = "addonkit-instance"
"""Tag of a bucket that says which instance it was made for."""

_NO_TAGS: Final = UNSUPPORTED | {"NoSuchTagSet", "NoSuchTagSetError"}
TAKEN: Final = frozenset({"BucketAlreadyExists", "BucketAlreadyOwnedByYou"})
"""Codes that say that a name is taken."""

_NOT_KNOWN: Final = UNSUPPORTED | TAKEN | {"InvalidRequest", "MalformedXML"}
"""How services refuse a setting of a bucket that they do not know; some then believe it is to be created."""

_DEFAULT_REGION: Final = "us-east-1"


class Standing(StrEnum):
    """The relation of a name to an instance."""

    FREE = "free"
    OURS = "ours"
    UNMARKED = "unmarked"
    FOREIGN = "foreign"
    HIDDEN = "hidden"


@attrs.frozen
class Marked:
    """A bucket that was made. `marked` says that it carries the tag, which some services do not know."""

    bucket: str
    marked: bool


async def standing(service: Service, bucket: str, instance: str) -> Standing:
    """Return who has the name: no account, this instance, or another owner.

    UNMARKED when the bucket has no mark at all; HIDDEN when we may not look, so that it can be anything.
    """
    try:
        async with s3(service, f"looking for bucket {bucket}") as client:
            await client.head_bucket(Bucket=bucket)
            # A service that does not know tags may answer with something else.
            tags = (await client.get_bucket_tagging(Bucket=bucket)).get("TagSet", ())
    except Refused as refusal:
        if refusal.code in ABSENT:
            return Standing.FREE
        if refusal.code in _NO_TAGS:
            return Standing.UNMARKED
        if refusal.code in DENIED:
            return Standing.HIDDEN
        if refusal.code in {"301", "PermanentRedirect"}:
            return Standing.FOREIGN
        raise
    owner = next((tag["Value"] for tag in tags if tag["Key"] == TAG), None)
    if owner is None:
        return Standing.UNMARKED
    return Standing.OURS if owner == instance else Standing.FOREIGN


def hidden(bucket: str) -> AddonkitError:
    """Return the error for a bucket that we may not look at."""
    return refused(f"looking at bucket {bucket}", "AccessDenied", "", 403)


async def make(service: Service, bucket: str) -> None:
    """Make a bucket; a Refused says by its code that the name is taken."""
    options: dict[str, Any] = {}
    if service.region != _DEFAULT_REGION:
        options["CreateBucketConfiguration"] = {"LocationConstraint": service.region}
    async with s3(service, f"creating bucket {bucket}") as client:
        await client.create_bucket(Bucket=bucket, **options)


async def mark(service: Service, bucket: str, instance: str) -> bool:
    """Write the mark and read it back; False when the service has no tags."""
    tags = {"TagSet": [{"Key": TAG, "Value": instance}]}
    written = await _where_supported(
        service,
        f"marking bucket {bucket}",
        lambda client: client.put_bucket_tagging(Bucket=bucket, Tagging=tags),
    )
    found = await standing(service, bucket, instance) if written else Standing.UNMARKED
    if found is Standing.HIDDEN:
        raise hidden(bucket)
    return found is Standing.OURS


async def block_public_access(service: Service, bucket: str) -> bool:
    """Refuse that anything in the bucket is made public; False when the service cannot."""
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return await _where_supported(
        service,
        f"blocking public access to bucket {bucket}",
        lambda client: client.put_public_access_block(
            Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(names, True)
        ),
    )


async def encrypt(service: Service, bucket: str) -> bool:
    """Have new objects encrypted at rest; False when the service cannot."""
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    return await _where_supported(
        service,
        f"setting the encryption of bucket {bucket}",
        lambda client: client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}),
    )


async def require(service: Service, bucket: str) -> None:
    """Make sure that the operator's own bucket is there; Refused otherwise."""
    attempted = f"using bucket {bucket}"
    try:
        async with s3(service, attempted) as client:
            await client.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except Refused as refusal:
        if refusal.code not in ABSENT:
            raise
        raise no_such_bucket(attempted, service.endpoint) from None


async def is_empty(service: Service, bucket: str) -> bool:
    """Return whether it holds no object."""
    async with s3(service, f"looking into bucket {bucket}") as client:
        return not (await client.list_objects_v2(Bucket=bucket, MaxKeys=1)).get("Contents")


async def remove(service: Service, bucket: str) -> None:
    """Remove an empty bucket. Does nothing if it doesn't exist."""
    try:
        async with s3(service, f"removing bucket {bucket}") as client:
            await client.delete_bucket(Bucket=bucket)
    except Refused as refusal:
        if refusal.code not in ABSENT:
            raise


async def _where_supported(service: Service, attempted: str, call: Callable[[Any], Awaitable[Any]]) -> bool:
    """Make a call that some services do not know; False when this one does not."""
    try:
        async with s3(service, attempted) as client:
            await call(client)
    except Refused as refusal:
        if refusal.code not in _NOT_KNOWN:
            raise
        return False
    return True
