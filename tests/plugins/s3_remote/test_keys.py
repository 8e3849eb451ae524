"""Keys of apps: one for each user, tried before they are handed out, and ended before the user goes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pytest
from aiohttp import web

from addonkit import Association, Conflict, Instance, NotConfigured, Secret, TransientError
from addonkit_s3_remote import credentials, keys, policies, sagas
from addonkit_s3_remote.faults import Refused
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.service import Key, Service, service_of

INSTANCE = Instance("k3x7mw2abc", "shop-s3-remote", "s3-remote", "bucket", "shop")
"""It is not known where it was made."""

REFUSAL = "<Error><Code>InvalidAccessKeyId</Code><Message>Not known.</Message></Error>"


@pytest.fixture
def user(admin_of_users: Any) -> Iterator[str]:
    """A user who may do nothing."""
    name = f"app-{time.time_ns()}"
    admin_of_users.create_user(UserName=name, Path=keys.PATH)
    yield name
    for each in admin_of_users.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        admin_of_users.delete_access_key(UserName=name, AccessKeyId=each["AccessKeyId"])


async def test_a_key_that_is_made_again_is_the_only_one(service: Service, admin_of_users: Any, user: str) -> None:
    """The step is repeated where the secret of the first one was lost."""
    await keys.make_key(service, user)
    made = await keys.make_key(service, user)

    (left,) = admin_of_users.list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert left["AccessKeyId"] == made.id.reveal()


async def test_a_key_that_is_not_known_yet_is_tried_again(between: Any, service: Service, place: Place) -> None:
    """Large services need a moment; other buckets are tried with the key only when its own is open."""
    key = service.key
    left = 2

    async def forget(request: web.Request) -> web.Response | None:
        nonlocal left
        if request.path != f"/{place.bucket}" or not left:
            return None
        left -= 1
        return web.Response(status=403, text=REFUSAL, content_type="application/xml")

    async with between(forget) as told:
        settings = {**told, "require_isolation": "false"}
        for _ in range(2):
            with pytest.raises(TransientError, match="does not know the access key"):
                await credentials.try_key.run(settings, INSTANCE, "user", key.id, key.secret, place.bucket, "")
        await credentials.try_key.run(settings, INSTANCE, "user", key.id, key.secret, place.bucket, "")


async def test_a_key_that_may_not_enter_is_refused(service: Service, place: Place, user: str) -> None:
    key = await keys.make_key(service, user)

    with pytest.raises(Refused, match="does not allow it"):
        await keys.works(service, key, place)
    with pytest.raises(Refused, match="does not know the access key"):
        await keys.works(service, Key(Secret("AKIAUNKNOWN"), key.secret), Place(place.bucket, "folder/"))


async def test_a_user_goes_with_its_policy_when_its_keys_are_gone(
    service: Service, admin_of_users: Any, user: str
) -> None:
    await keys.allow(service, user, policies.policy(service, "box"))
    await keys.make_key(service, user)
    with pytest.raises(Refused, match="DeleteConflict"):
        await keys.drop_user(service, user)

    await keys.drop_keys(service, user)
    await keys.drop_user(service, user)
    await keys.drop_keys(service, user)
    await keys.drop_user(service, user)

    assert user not in {each["UserName"] for each in admin_of_users.list_users()["Users"]}
    admin_of_users.create_user(UserName=user)


OF_APP = Association("k3x7mw2abc", "shop", "instance", "s3-remote")


@pytest.mark.parametrize(
    ("other", "line"), [({"role": "read-only"}, "leave out --role"), ({"generation": 2}, "does not replace")]
)
async def test_the_operators_own_key_cannot_be_less_or_another(
    local: Mapping[str, str], other: dict[str, Any], line: str
) -> None:
    static = {**local, "credentials": "static"}
    assert await credentials.create_user.run(static, OF_APP, INSTANCE) == ""

    with pytest.raises(NotConfigured, match=line):
        await credentials.create_user.run(static, attrs.evolve(OF_APP, **other), INSTANCE)


async def test_the_operators_own_key_is_given_only_where_that_is_allowed(local: Mapping[str, str]) -> None:
    """Between two steps the operator may have changed his mind."""
    given = await credentials.create_key.run({**local, "credentials": "static"}, INSTANCE, "")
    assert given == service_of(local).key

    with pytest.raises(Conflict, match="the settings were changed meanwhile"):
        await credentials.create_key.run(local, INSTANCE, "")


async def test_the_operators_key_is_tried_before_anything_is_made(local: Mapping[str, str]) -> None:
    for credentials_of_apps in ("iam", "static"):
        wrong = {**local, "secret_key": "wrong", "credentials": credentials_of_apps}
        with pytest.raises(Refused, match=r"signing in to .*: the service does not accept the secret key"):
            await sagas.check_service.run(wrong)
