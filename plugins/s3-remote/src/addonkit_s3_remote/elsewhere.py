"""Another service than the one on which an instance was made: what is not found there is not gone."""

from __future__ import annotations

from addonkit import AddonkitError
from addonkit_s3_remote.client import if_there, s3
from addonkit_s3_remote.keys import is_known
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.service import Service


def is_elsewhere(service: Service, made_on: str) -> bool:
    """Return whether an instance was made on another endpoint; False when it is not known where."""
    return bool(made_on) and made_on != service.endpoint


def not_found(service: Service, made_on: str, what: str) -> AddonkitError:
    """Say where a thing was made that is not on this service."""
    return AddonkitError(
        f"removing {what}",
        f"it is not on {service.endpoint}; it was made on {made_on}",
        f"run `addonkit config set s3-remote endpoint={made_on}`, the service it is on",
    )


async def check_folder(service: Service, made_on: str, place: Place) -> None:
    """Make sure that a folder is on this service, by what it holds.

    Raises:
        AddonkitError: when it was made on another one, and nothing is in it here.
    """
    if not is_elsewhere(service, made_on):
        return
    async with s3(service, f"looking into {place}") as client:
        found = await if_there(client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix, MaxKeys=1))
    if not found or not found.get("Contents"):
        raise not_found(service, made_on, str(place))


async def check_user(service: Service, made_on: str, user: str) -> None:
    """Make sure that a user is on this service.

    Raises:
        AddonkitError: when it was made on another one, and is not known here.
    """
    if is_elsewhere(service, made_on) and not await is_known(service, user):
        raise not_found(service, made_on, f"user {user}")
