"""Options of a bucket, and the requests that tell them to the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from addonkit import Instance, InvalidInput, OptionDefinition, OptionType, Saga, Secret, step
from addonkit_s3_remote.client import s3
from addonkit_s3_remote.elsewhere import service_with
from addonkit_s3_remote.faults import UNSUPPORTED, Refused

if TYPE_CHECKING:
    from addonkit_s3_remote.service import Service

_BUCKET: Final = ("bucket",)

OPTIONS: Final = (
    OptionDefinition(
        "versioning",
        "Keep what an object was before it was changed or deleted",
        OptionType.BOOLEAN,
        default="off",
        variants=_BUCKET,
    ),
    OptionDefinition(
        "expire_days",
        "Days after which objects are deleted; 0 is never",
        OptionType.INTEGER,
        default="0",
        minimum="0",
        maximum="36500",
        variants=_BUCKET,
    ),
)

_RULE: Final = "addonkit-expire"
"""Id of the rule that is ours: an app may have others."""

_NO_RULES: Final = "NoSuchLifecycleConfiguration"


async def apply(service: Service, bucket: str, former: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Tell the service what differs between two configs.

    Raises:
        InvalidInput: it does not know such a setting.
    """
    changed = [
        each.name for each in OPTIONS if former.get(each.name, each.default) != wanted.get(each.name, each.default)
    ]
    for name in changed:
        try:
            async with s3(service, f"setting {name} of bucket {bucket}") as client:
                await _SETTERS[name](client, bucket, wanted.get(name, ""))
        except Refused as refusal:
            if refusal.code not in UNSUPPORTED:
                raise
            raise InvalidInput(f"cannot set {name}", f"the service at {service.endpoint} cannot do it") from refusal


async def _version(client: Any, bucket: str, value: str) -> None:
    status = "Enabled" if value == "on" else "Suspended"
    await client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


async def _expire(client: Any, bucket: str, value: str) -> None:
    days = int(value or "0")
    rules = [each for each in await _rules(client, bucket) if each.get("ID") != _RULE]
    if days:
        expiration = {"Days": days}
        rules.append({"ID": _RULE, "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": expiration})
    if rules:
        await client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    else:
        await client.delete_bucket_lifecycle(Bucket=bucket)


async def _rules(client: Any, bucket: str) -> list[dict[str, Any]]:
    from botocore.exceptions import ClientError

    try:
        return list((await client.get_bucket_lifecycle_configuration(Bucket=bucket)).get("Rules", ()))
    except ClientError as error:
        if error.response["Error"]["Code"] != _NO_RULES:
            raise
        return []


_SETTERS: Final = {"versioning": _version, "expire_days": _expire}


async def _change(settings: Mapping[str, str | Secret], instance: Instance, former: Any, wanted: Any) -> None:
    service = await service_with(settings, instance)
    await apply(service, instance.attributes["bucket"], former, wanted)


@step
async def change_bucket(settings: Mapping[str, str | Secret], instance: Instance, former: Any, wanted: Any) -> None:
    """Change the settings of the bucket."""
    await _change(settings, instance, former, wanted)


@change_bucket.undo
async def _(settings: Mapping[str, str | Secret], instance: Instance, former: Any, wanted: Any) -> None:
    await _change(settings, instance, wanted, former)


CONFIGURE: Saga[None] = Saga("s3-remote.configure", inputs=("former", "wanted"), steps=(change_bucket,))
