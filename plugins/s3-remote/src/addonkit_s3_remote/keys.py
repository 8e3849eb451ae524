"""Users and keys of apps, through the IAM interface. Every function may be repeated."""

from __future__ import annotations

from typing import Any, Final

from addonkit import Secret
from addonkit_s3_remote.client import code_of, iam, if_there, s3
from addonkit_s3_remote.faults import DENIED, UNSUPPORTED, Refused
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.policies import NAME
from addonkit_s3_remote.service import Key, Service

PATH: Final = "/addonkit/"
"""Path of the users, by which the operator finds them."""

_NO_IAM: Final = UNSUPPORTED | {"NotS3", "NoSuchBucket", "404", "400", "InvalidRequest", "InvalidAction", "NoSuchKey"}


async def has_iam(service: Service) -> bool:
    """Return whether users can be made here; an AccessDenied is raised as it is, for then IAM is there."""
    try:
        async with iam(service, "asking the service for IAM") as client:
            await client.list_users(PathPrefix=PATH, MaxItems=1)
    except Refused as refusal:
        if refusal.code in _NO_IAM:
            return False
        raise
    return True


async def make_user(service: Service, user: str) -> None:
    """Make a user that may do nothing."""
    async with iam(service, f"creating user {user}") as client:
        try:
            await client.create_user(UserName=user, Path=PATH)
        except client.exceptions.EntityAlreadyExistsException:
            return


async def allow(service: Service, user: str, document: str) -> None:
    """Give the user exactly this policy."""
    async with iam(service, f"setting the policy of user {user}") as client:
        await client.put_user_policy(UserName=user, PolicyName=NAME, PolicyDocument=document)


async def make_key(service: Service, user: str) -> Key:
    """Return a new key of the user, and the only one: the secret of a former one cannot be read again."""
    async with iam(service, f"creating a key of user {user}") as client:
        await _drop_keys(client, user)
        made = (await client.create_access_key(UserName=user))["AccessKey"]
    return Key(Secret(made["AccessKeyId"]), Secret(made["SecretAccessKey"]))


async def drop_keys(service: Service, user: str) -> None:
    """End all keys of the user. Does nothing if there are none."""
    async with iam(service, f"removing the keys of user {user}") as client:
        await _drop_keys(client, user)


async def is_known(service: Service, user: str) -> bool:
    """Return whether there is such a user."""
    async with iam(service, f"looking for user {user}") as client:
        return await if_there(client.list_access_keys(UserName=user)) is not None


async def drop_user(service: Service, user: str) -> None:
    """Remove the user with its policies, after its keys. Does nothing if it doesn't exist."""
    async with iam(service, f"removing user {user}") as client:
        found = await if_there(client.list_user_policies(UserName=user))
        for name in found["PolicyNames"] if found else ():
            await if_there(client.delete_user_policy(UserName=user, PolicyName=name))
        await if_there(client.delete_user(UserName=user))


async def works(service: Service, key: Key, place: Place) -> None:
    """Sign in with a key; Refused while the service does not know it yet, or it may not enter."""
    async with s3(service, f"using {place} with the new key", key) as client:
        try:
            await client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix, MaxKeys=1)
        except client.exceptions.ClientError as error:
            # Not all services pass the prefix on to where policies are judged. The key is known: that is enough.
            if not place.prefix or code_of(error) not in DENIED:
                raise


async def _drop_keys(client: Any, user: str) -> None:
    found = await if_there(client.list_access_keys(UserName=user))
    for each in found["AccessKeyMetadata"] if found else ():
        await if_there(client.delete_access_key(UserName=user, AccessKeyId=each["AccessKeyId"]))
