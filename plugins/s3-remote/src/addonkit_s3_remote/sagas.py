"""Makes, measures and removes places. Each step reads settings afresh; none is ever journaled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from addonkit import (
    Conflict,
    Instance,
    NotConfigured,
    ProvisionResult,
    Retry,
    Saga,
    Secret,
    Usage,
    Variant,
    step,
)
from addonkit_s3_remote import buckets, elsewhere, options, removal
from addonkit_s3_remote.buckets import Marked, Standing
from addonkit_s3_remote.client import s3
from addonkit_s3_remote.definition import PREFIX
from addonkit_s3_remote.faults import ABSENT, DENIED, UNSUPPORTED, Refused, not_s3
from addonkit_s3_remote.keys import has_iam
from addonkit_s3_remote.listing import measure
from addonkit_s3_remote.naming import bucket_names, folder_of
from addonkit_s3_remote.places import Place, place_of
from addonkit_s3_remote.service import Service, service_of

Told = Mapping[str, str | Secret]
"""The settings, as steps receive them."""

MOST_COUNTED: Final = 200_000
"""Objects at which counting stops: it is to answer while a user waits."""

_DAY: Final = 86_400.0


@step(gives="begun_on", undo=None, retry=Retry(attempts=3))
async def check_service(settings: Told) -> str:
    """Sign in to the service."""
    service = service_of(settings)
    await _sign_in(service)
    if not service.static and not await has_iam(service):
        raise NotConfigured(
            f"making credentials on {service.endpoint}",
            "the service has no IAM, so that apps would get the administrator's own key",
            "run `addonkit config set s3-remote credentials=static` if that is what you want",
        )
    return service.endpoint


async def _sign_in(service: Service) -> None:
    try:
        async with s3(service, "signing in to the service") as client:
            await client.list_buckets()
    except Refused as refusal:
        if refusal.code in ABSENT | UNSUPPORTED:
            raise not_s3(refusal.attempted, service.endpoint) from refusal
        # An administrator need not be allowed to list: what is not allowed will be said where it is needed.
        if refusal.code not in DENIED:
            raise


@step(gives="wanted", undo=None)
async def choose_place(settings: Told, instance: Instance, variant: Variant, begun_on: str = "") -> str:
    """Find a free name."""
    service = service_of(settings)
    elsewhere.check_same(service, begun_on, f"naming the bucket of {instance.name}")
    if variant.name == PREFIX:
        await buckets.require(service, service.bucket)
        return service.bucket
    names = bucket_names(instance.app, instance.id)
    seen: set[Standing] = set()
    for name in names:
        found = await buckets.standing(service, name, instance.id)
        if found in {Standing.FREE, Standing.OURS}:
            return name
        seen.add(found)
    if seen == {Standing.HIDDEN}:
        raise buckets.hidden(names[0])
    raise Conflict(f"naming the bucket of {instance.name}", f"{names[0]} and {len(names) - 1} more are taken")


@step(timeout=120)
async def create_bucket(
    settings: Told, instance: Instance, variant: Variant, wanted: str, begun_on: str = ""
) -> Marked:
    """Create the bucket."""
    service = service_of(settings)
    elsewhere.check_same(service, begun_on, f"creating bucket {wanted}")
    if variant.name == PREFIX:
        return Marked(wanted, marked=False)
    for name in _from(wanted, bucket_names(instance.app, instance.id)):
        if await _take(service, name, instance.id):
            return Marked(name, await buckets.mark(service, name, instance.id))
    raise Conflict(f"creating the bucket of {instance.name}", f"{wanted} and all other names are taken")


@create_bucket.undo
async def _(
    settings: Told, instance: Instance, variant: Variant, wanted: str, begun_on: str = "", bucket: str = ""
) -> None:
    if variant.name == PREFIX:
        return
    service = service_of(settings)
    elsewhere.check_same(service, begun_on, f"removing bucket {bucket or wanted}")
    for name in [bucket] if bucket else _from(wanted, bucket_names(instance.app, instance.id)):
        # Nothing was ever given a key to it: ours is empty. One that was free and now may not be looked at is ours
        # too, or gone; the service removes none that has anything in it.
        found = await buckets.standing(service, name, instance.id)
        if found is Standing.HIDDEN or await _is_ours(service, name, found):
            await buckets.remove(service, name)


@step(undo=None)
async def protect_bucket(settings: Told, variant: Variant, bucket: str, begun_on: str = "") -> None:
    """Keep the bucket private and encrypted."""
    service = service_of(settings)
    elsewhere.check_same(service, begun_on, f"protecting bucket {bucket}")
    if variant.name != PREFIX:
        await buckets.block_public_access(service, bucket)
        await buckets.encrypt(service, bucket)
        await options.apply(service, bucket, {}, variant.config)


@step(gives="result", undo=None)
async def build_result(
    settings: Told, instance: Instance, variant: Variant, bucket: str, begun_on: str = "", *, marked: bool
) -> ProvisionResult:
    """Remember the place."""
    prefix = folder_of(instance.app, instance.id) if variant.name == PREFIX else ""
    endpoint = begun_on or service_of(settings).endpoint
    attributes = {"bucket": bucket, "prefix": prefix, "marked": marked, "endpoint": endpoint}
    return ProvisionResult((), attributes)


PROVISION: Saga[ProvisionResult] = Saga(
    "s3-remote.provision",
    version=2,
    resumes_from=(1,),
    steps=(check_service, choose_place, create_bucket, protect_bucket, build_result),
)


@attrs.frozen
class Doomed:
    """The things to remove: a place, whether its bucket goes too, and where. An empty bucket: nothing is there."""

    bucket: str
    prefix: str
    whole: bool
    begun_on: str


@step(undo=None)
async def check_ownership(settings: Told, instance: Instance) -> Doomed:
    """Make sure that it is ours."""
    service = service_of(settings)
    known = instance.attributes
    if not known:
        return Doomed(await _find_left(service, instance), "", whole=True, begun_on=service.endpoint)
    bucket, prefix = known["bucket"], known["prefix"]
    if prefix:
        await elsewhere.check_folder(service, known["endpoint"], Place(bucket, prefix))
        return Doomed(bucket, prefix, whole=False, begun_on=service.endpoint)
    found = await buckets.standing(service, bucket, instance.id)
    if found is Standing.HIDDEN:
        raise buckets.hidden(bucket)
    if found is Standing.FREE:
        if elsewhere.is_elsewhere(service, known["endpoint"]):
            raise elsewhere.not_found(service, known["endpoint"], f"removing bucket {bucket}")
        return Doomed("", "", whole=True, begun_on=service.endpoint)
    if found is Standing.FOREIGN or (found is Standing.UNMARKED and known["marked"]):
        raise Conflict(
            f"removing bucket {bucket}",
            f"it does not carry the mark of {instance.name}: it is not the bucket that was made for it",
            f"look at it; when it may go, tag it {buckets.TAG}={instance.id} and try again",
        )
    return Doomed(bucket, "", whole=True, begun_on=service.endpoint)


@step(undo=None, timeout=_DAY)
async def remove_objects(
    settings: Told, progress: Callable[[str], Any], bucket: str, prefix: str, begun_on: str = ""
) -> None:
    """Remove all objects, old versions and unfinished uploads."""
    if bucket:
        service, place = service_of(settings), Place(bucket, prefix)
        elsewhere.check_same(service, begun_on, f"removing the objects of {place}")
        await removal.abort_uploads(service, place, progress)
        await removal.remove_all(service, place, progress)


@step(undo=None)
async def remove_bucket(settings: Told, bucket: str, begun_on: str = "", *, whole: bool) -> None:
    """Remove the bucket."""
    if bucket and whole:
        service = service_of(settings)
        elsewhere.check_same(service, begun_on, f"removing bucket {bucket}")
        await buckets.remove(service, bucket)


DEPROVISION: Saga[None] = Saga(
    "s3-remote.deprovision",
    version=2,
    resumes_from=(1,),
    steps=(check_ownership, remove_objects, remove_bucket),
)


@step(gives="result", undo=None, timeout=25, retry=Retry(attempts=1))
async def count_objects(settings: Told, instance: Instance) -> Usage:
    """Count the objects."""
    return await measure(await elsewhere.service_with(settings, instance), place_of(instance), MOST_COUNTED)


MEASURE: Saga[Usage] = Saga("s3-remote.measure", steps=(count_objects,))


def _from(wanted: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names from the wanted one on; it was free, those before it were not."""
    return names[names.index(wanted) :] if wanted in names else (wanted,)


async def _take(service: Service, name: str, instance: str) -> bool:
    """Have the bucket, made now or by an earlier run that was cut off; False when another owner has the name."""
    found = await buckets.standing(service, name, instance)
    if found is Standing.HIDDEN:
        raise buckets.hidden(name)
    if found is not Standing.FREE:
        return await _is_ours(service, name, found)
    try:
        await buckets.make(service, name)
    except Refused as refusal:
        if refusal.code not in buckets.TAKEN:
            raise
        return await _is_ours(service, name, await buckets.standing(service, name, instance))
    return True


async def _is_ours(service: Service, name: str, found: Standing) -> bool:
    """Return whether a run of ours made it. One cut off before the mark left it empty; the name is ours alone."""
    return found is Standing.OURS or (found is Standing.UNMARKED and await buckets.is_empty(service, name))


async def _find_left(service: Service, instance: Instance) -> str:
    """Return what a provisioning that never ended may have left; empty when nothing."""
    for name in bucket_names(instance.app, instance.id):
        if await _is_ours(service, name, await buckets.standing(service, name, instance.id)):
            return name
    return ""
