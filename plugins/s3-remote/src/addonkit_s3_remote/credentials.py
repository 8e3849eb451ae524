"""Gives each association a key of its own, and revokes it."""

from __future__ import annotations

from addonkit import (
    Association,
    BindResult,
    Conflict,
    Instance,
    NotConfigured,
    NothingDone,
    Retry,
    Saga,
    Secret,
    Sessions,
    TransientError,
    step,
)
from addonkit_s3_remote import elsewhere, isolation, keys
from addonkit_s3_remote.elsewhere import service_with
from addonkit_s3_remote.faults import DENIED, UNKNOWN_KEY, Refused, unchanged
from addonkit_s3_remote.naming import user_of
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.policies import READ_ONLY, policy
from addonkit_s3_remote.sagas import Told
from addonkit_s3_remote.service import Key, Service, service_of
from addonkit_s3_remote.variables import variables

_NOT_YET = DENIED | UNKNOWN_KEY | {"SignatureDoesNotMatch"}


class NotGiven(NotConfigured, NothingDone):
    """The administrator's own key cannot be what is asked for."""


@step(gives="user")
async def create_user(settings: Told, association: Association, instance: Instance) -> str:
    """Create a user for the app."""
    service = await service_with(settings, instance)
    if service.static:
        _check_role(association)
        return ""
    user = user_of(association.id, association.generation)
    try:
        await keys.make_user(service, user)
    except Refused as refusal:
        raise unchanged(refusal) from refusal
    return user


@create_user.undo
async def _(settings: Told, association: Association, instance: Instance, user: str | None = None) -> None:
    if user == "":
        return
    # What the settings say by now about credentials does not count: they may have been others when it was made.
    service, name = service_of(settings), user_of(association.id, association.generation)
    await elsewhere.check_user(service, instance, name)
    if user or await _can_have_users(service):
        await keys.drop_user(service, name)


@step(undo=None)
async def allow_place(
    settings: Told, association: Association, instance: Instance, user: str, bucket: str, prefix: str
) -> None:
    """Let the user into its place, and nowhere else."""
    if user:
        service = await service_with(settings, instance)
        document = policy(service, bucket, prefix, reads_only=association.role == READ_ONLY)
        await keys.allow(service, user, document)


@step
async def create_key(settings: Told, instance: Instance, user: str) -> Key:
    """Create a key."""
    service = await service_with(settings, instance)
    if user:
        return await keys.make_key(service, user)
    _check_static(service)
    return service.key


@create_key.undo
async def _(settings: Told, instance: Instance, user: str) -> None:
    if user:
        service = service_of(settings)
        await elsewhere.check_user(service, instance, user)
        await keys.drop_keys(service, user)


@step(undo=None, timeout=120, retry=Retry(attempts=12, first_delay=0.2, longest_delay=10.0))
async def try_key(
    settings: Told, instance: Instance, user: str, id: Secret, secret: Secret, bucket: str, prefix: str
) -> None:
    """Sign in with the key, and try what it must not open."""
    service, key, place = await service_with(settings, instance), Key(id, secret), Place(bucket, prefix)
    try:
        await keys.works(service, key, place)
    except Refused as refusal:
        if user and refusal.code in _NOT_YET:
            # Large services need some seconds until all of them know a new key and its policy.
            raise TransientError(refusal.attempted, refusal.found) from None
        raise
    if user and service.isolated:
        await _check_isolation(service, key, place)


@step(gives="result", undo=None)
async def build_binding(
    settings: Told, instance: Instance, user: str, id: Secret, secret: Secret, bucket: str, prefix: str
) -> BindResult:
    """Put the variables together."""
    service = await service_with(settings, instance)
    return BindResult(variables(service, bucket, prefix, Key(id, secret)), {"user": user})


BIND: Saga[BindResult] = Saga(
    "s3-remote.bind",
    version=3,
    resumes_from=(1, 2),
    inputs=("bucket", "prefix"),
    steps=(create_user, allow_place, create_key, try_key, build_binding),
)


@step(undo=None)
async def revoke_key(settings: Told, instance: Instance, user: str) -> None:
    """End the key."""
    if user:
        service = service_of(settings)
        await elsewhere.check_user(service, instance, user)
        await keys.drop_keys(service, user)


@step(undo=None)
async def remove_user(settings: Told, instance: Instance, user: str) -> None:
    """Remove the user."""
    if user:
        service = service_of(settings)
        await elsewhere.check_user(service, instance, user)
        await keys.drop_user(service, user)


UNBIND: Saga[None] = Saga(
    "s3-remote.unbind", version=3, resumes_from=(1, 2), inputs=("user",), steps=(revoke_key, remove_user)
)


async def _can_have_users(service: Service) -> bool:
    """Return whether it has users of apps; no where a key that is to make none may not ask."""
    try:
        return await keys.has_iam(service)
    except Refused as refusal:
        if service.static and refusal.code in DENIED:
            return False
        raise


async def _check_isolation(service: Service, key: Key, place: Place) -> None:
    beyond = await isolation.reached(service, key, place)
    if beyond:
        raise NotConfigured(
            f"trying the new key of {place}",
            f"it {beyond} too: {service.endpoint} does not keep apps apart",
            "run `addonkit config set s3-remote require_isolation=false` if that is what you want",
        )


def _check_static(service: Service) -> None:
    if not service.static:
        raise Conflict("handing out a key", "the settings were changed meanwhile", "try again")


def user_to_remove(association: Association) -> str:
    """Return the user of an association; empty when it got the administrator's key, which stays."""
    return str(association.attributes.get("user", user_of(association.id, association.generation)))


def _check_role(association: Association) -> None:
    """Refuse what the administrator's own key cannot be."""
    if association.generation > 1:
        raise NotGiven(
            f"making new credentials for {association.app}",
            "apps have the administrator's own key, which addonkit does not replace",
            "run `addonkit config set s3-remote` with a new key of the service",
        )
    if association.role == READ_ONLY:
        raise NotGiven(
            f"making credentials of role {READ_ONLY} for {association.app}",
            "apps have the administrator's own key, which may do everything",
            "leave out --role",
        )


@step(gives="result", undo=None)
async def count_sessions() -> Sessions:
    """Say that S3 has requests and no sessions."""
    return Sessions(None)


SESSIONS: Saga[Sessions] = Saga("s3-remote.sessions", steps=(count_sessions,))
