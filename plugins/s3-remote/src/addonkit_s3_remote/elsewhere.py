"""Another service than the one on which an instance was made: what is not found there is not gone."""

from __future__ import annotations

from collections.abc import Mapping

from addonkit import AddonkitError, Instance, NothingDone, Secret
from addonkit_s3_remote import buckets
from addonkit_s3_remote.buckets import Standing
from addonkit_s3_remote.client import if_there, s3
from addonkit_s3_remote.keys import has_iam, is_known
from addonkit_s3_remote.places import Place, place_of
from addonkit_s3_remote.service import Service, service_of


class Elsewhere(AddonkitError, NothingDone):
    """The settings lead to another service than before; looked for before anything is done."""


def is_elsewhere(service: Service, made_on: str) -> bool:
    """Return whether a thing was made on another endpoint; False when it is not known where."""
    return bool(made_on) and made_on != service.endpoint


def not_found(service: Service, made_on: str, attempted: str) -> Elsewhere:
    """Say where a thing was made that is not on this service."""
    return Elsewhere(
        attempted,
        f"it is not on {service.endpoint}; it was made on {made_on}",
        f"run `addonkit config set s3-remote endpoint={made_on}`, the service it is on",
    )


def check_same(service: Service, begun_on: str, attempted: str) -> None:
    """Make sure that the settings lead where earlier steps were at work; an older execution did not keep where.

    Raises:
        Elsewhere: they were changed meanwhile.
    """
    if is_elsewhere(service, begun_on):
        raise Elsewhere(
            attempted,
            f"it was begun on {begun_on}; the settings lead to {service.endpoint} now",
            f"run `addonkit config set s3-remote endpoint={begun_on}` and try again",
        )


async def service_with(settings: Mapping[str, str | Secret], instance: Instance) -> Service:
    """Return the service that settings describe.

    Raises:
        Elsewhere: the place of the instance is on another one.
    """
    service = service_of(settings)
    await _check_place(service, instance)
    return service


async def _check_place(service: Service, instance: Instance) -> None:
    """Make sure that the place of an instance is on this service: it may have another address now.

    Raises:
        Elsewhere: it was made on another endpoint, and is not here.
    """
    if not await _has_place(service, instance):
        raise not_found(service, instance.attributes["endpoint"], f"using {place_of(instance)}")


async def check_user(service: Service, instance: Instance, user: str) -> None:
    """Make sure that a user for an instance is on this service, if it is anywhere.

    Raises:
        Elsewhere: the instance was made on another endpoint, and neither is here.
    """
    made_on = instance.attributes.get("endpoint", "")
    if not is_elsewhere(service, made_on) or (await has_iam(service) and await is_known(service, user)):
        return
    if not await _has_place(service, instance):
        raise not_found(service, made_on, f"removing user {user}")


async def check_folder(service: Service, made_on: str, place: Place) -> None:
    """Make sure that a folder is on this service, by what it holds.

    Raises:
        Elsewhere: it was made on another one, and nothing is in it here.
    """
    if is_elsewhere(service, made_on) and not await _has_folder(service, place):
        raise not_found(service, made_on, f"removing {place}")


async def _has_place(service: Service, instance: Instance) -> bool:
    if not is_elsewhere(service, instance.attributes.get("endpoint", "")):
        return True
    place = place_of(instance)
    if place.prefix:
        return await _has_folder(service, place)
    # A bucket that was moved may have lost its mark. The name alone says much: it has the id of the instance.
    return await buckets.standing(service, place.bucket, instance.id) in {Standing.OURS, Standing.UNMARKED}


async def _has_folder(service: Service, place: Place) -> bool:
    async with s3(service, f"looking into {place}") as client:
        found = await if_there(client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix, MaxKeys=1))
    return bool(found and found.get("Contents"))
