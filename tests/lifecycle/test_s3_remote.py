"""What S3 alone promises, on a real service with IAM that judges every request. The rest is in test_life."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

import addonkit
from addonkit.engine import failpoints
from addonkit_s3_remote import listing, removal, sagas
from addonkit_s3_remote.conformance import of_app, of_operator

REFUSAL = botocore.exceptions.ClientError
PLAIN = ["S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION",
         "AWS_ENDPOINT_URL_S3", "AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION", "S3_URL"]  # fmt: skip


@pytest.fixture
def admin(operator: Mapping[str, str]) -> Any:
    """The operator's own client."""
    return of_operator(operator)


@pytest.fixture
async def shared(admin: Any, s3kit: addonkit.Kit) -> str:
    """The operator's bucket for the variant prefix."""
    name = f"shared-{time.time_ns()}"
    admin.create_bucket(Bucket=name)
    await s3kit.set_config("s3-remote", {"bucket": name})
    return name


def names(admin: Any) -> set[str]:
    return {each["Name"] for each in admin.list_buckets()["Buckets"]}


def refused(environ: Mapping[str, str], bucket: str, key: str = "key") -> str:
    """The one code by which reading, writing and removing are refused."""
    app, place = of_app(environ), {"Bucket": bucket, "Key": key}
    codes = set()
    for call in (app.get_object, app.put_object, app.delete_object):
        with pytest.raises(REFUSAL) as refusal:
            call(**place)
        codes.add(refusal.value.response["Error"]["Code"])
    assert len(codes) == 1, codes
    return codes.pop()


async def test_the_variables_come_in_their_order(s3kit: addonkit.Kit, shared: str) -> None:
    bucket = await s3kit.create("s3-remote", app="shop")
    folder = await s3kit.create("s3-remote:prefix", app="blog")

    assert [v.key for v in bucket.variables] == PLAIN
    assert [v.key for v in folder.variables] == ["S3_BUCKET", "S3_PREFIX", *PLAIN[1:]]
    for binding in (bucket, folder):
        secret = {v.key for v in binding.variables if v.sensitive}
        assert secret == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    environ = folder.environ()
    assert environ["S3_URL"] == f"s3://{shared}/{environ['S3_PREFIX']}"
    assert bucket.environ()["S3_URL"] == f"s3://{bucket.environ()['S3_BUCKET']}"


@pytest.mark.slow
async def test_a_key_opens_no_other_bucket(s3kit: addonkit.Kit) -> None:
    shop = (await s3kit.create("s3-remote", app="shop")).environ()
    blog = (await s3kit.create("s3-remote", app="blog")).environ()

    assert refused(shop, blog["S3_BUCKET"]) == "AccessDenied"
    app = of_app(shop)
    for call, place in (
        (app.list_buckets, {}),
        (app.create_bucket, {"Bucket": "another"}),
        (app.delete_bucket, {"Bucket": shop["S3_BUCKET"]}),
    ):
        with pytest.raises(REFUSAL, match="AccessDenied"):
            call(**place)


async def test_a_key_opens_no_other_folder(s3kit: addonkit.Kit, shared: str, admin: Any) -> None:
    shop = (await s3kit.create("s3-remote:prefix", app="shop")).environ()
    blog = (await s3kit.create("s3-remote:prefix", app="blog")).environ()
    assert shop["S3_BUCKET"] == blog["S3_BUCKET"] == shared

    of_app(shop).put_object(Bucket=shared, Key=f"{shop['S3_PREFIX']}key", Body=b"own")
    assert refused(blog, shared, f"{shop['S3_PREFIX']}key") == "AccessDenied"
    assert refused(blog, shared, "key") == "AccessDenied"
    admin.put_object(Bucket=shared, Key="operator", Body=b"stays")
    await s3kit.destroy("blog-s3-remote")
    await s3kit.destroy("shop-s3-remote")

    assert [each["Key"] for each in admin.list_objects_v2(Bucket=shared)["Contents"]] == ["operator"]


async def test_a_key_is_dead_at_once_when_its_app_is_detached(s3kit: addonkit.Kit) -> None:
    shop = (await s3kit.create("s3-remote", app="shop")).environ()
    blog = (await s3kit.attach("shop-s3-remote", app="blog")).environ()
    assert shop["S3_BUCKET"] == blog["S3_BUCKET"]
    assert shop["AWS_ACCESS_KEY_ID"] != blog["AWS_ACCESS_KEY_ID"]

    await s3kit.detach("shop-s3-remote", app="blog")

    assert refused(blog, shop["S3_BUCKET"]) == "InvalidAccessKeyId"
    of_app(shop).put_object(Bucket=shop["S3_BUCKET"], Key="key", Body=b"")


async def test_a_key_that_cannot_be_revoked_is_told_of_until_it_is(s3kit: addonkit.Kit, home: Path) -> None:
    shop = (await s3kit.create("s3-remote", app="shop")).environ()
    blog = (await s3kit.attach("shop-s3-remote", app="blog")).environ()
    async with addonkit.open(home, registry=addonkit.Registry()) as without:
        with pytest.raises(
            addonkit.InstanceFailed, match=r"revoking the credentials of blog .* `pip install addonkit-s3"
        ):
            await without.detach("shop-s3-remote", app="blog")
        assert (await without.environment("blog")).as_dict() == {}
        (view,) = await without.instances()
        assert "is not installed" in next(each.message for each in view.associations if each.app == "blog")

    await s3kit.retry("shop-s3-remote")

    assert refused(blog, shop["S3_BUCKET"]) == "InvalidAccessKeyId"
    assert [each.app for each in (await s3kit.show("shop-s3-remote")).associations] == ["shop"]


async def test_the_bucket_is_private_and_encrypted(s3kit: addonkit.Kit, admin: Any) -> None:
    bucket = (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]

    blocked = admin.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert len(blocked) == 4
    assert set(blocked.values()) == {True}
    assert "AES256" in repr(admin.get_bucket_encryption(Bucket=bucket))


async def test_destroying_tells_what_is_lost_and_removes_versions_uploads_and_users(
    s3kit: addonkit.Kit, admin: Any, operator: Mapping[str, str]
) -> None:
    environ = (await s3kit.create("s3-remote", app="shop")).environ()
    bucket = environ["S3_BUCKET"]
    admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for text in (b"one", b"two", b"three"):
        admin.put_object(Bucket=bucket, Key="key", Body=text)
    admin.delete_object(Bucket=bucket, Key="key")
    admin.create_multipart_upload(Bucket=bucket, Key="big")

    plan = await s3kit.plan_destroy("shop-s3-remote")
    await s3kit.destroy("shop-s3-remote")

    assert "4 objects, 11 bytes" in plan.lost
    assert bucket not in names(admin)
    assert environ["AWS_ACCESS_KEY_ID"] not in repr(of_operator(operator, "iam").list_users(PathPrefix="/addonkit/"))


async def test_what_is_in_a_bucket_goes_in_batches_and_it_is_told(
    home: Path, operator: Mapping[str, str], admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (listing, removal):
        monkeypatch.setattr(module, "BATCH", 10)
    told: list[str] = []
    async with addonkit.open(home, on_event=lambda event: told.append(event.message)) as kit:
        await kit.set_config("s3-remote", operator)
        bucket = (await kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]
        for number in range(25):
            admin.put_object(Bucket=bucket, Key=f"{number:05}", Body=b"")
            admin.create_multipart_upload(Bucket=bucket, Key=f"{number:05}")
        await kit.destroy("shop-s3-remote")

    for sentence in ("10 objects removed", "25 objects removed", "25 unfinished uploads ended"):
        assert any(sentence in text for text in told), told
    assert bucket not in names(admin)


async def test_a_bucket_that_was_replaced_by_another_is_not_removed(s3kit: addonkit.Kit, admin: Any) -> None:
    bucket = (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]
    admin.delete_bucket(Bucket=bucket)
    admin.create_bucket(Bucket=bucket)
    admin.delete_bucket_tagging(Bucket=bucket)  # this server keeps them by name
    admin.put_object(Bucket=bucket, Key="precious", Body=b"")

    with pytest.raises(addonkit.InstanceFailed, match="does not carry the mark of shop-s3-remote"):
        await s3kit.destroy("shop-s3-remote")

    assert admin.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


async def test_a_bucket_that_is_gone_already_is_success(s3kit: addonkit.Kit, admin: Any) -> None:
    bucket = (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]
    admin.delete_bucket(Bucket=bucket)

    await s3kit.destroy("shop-s3-remote")

    assert await s3kit.instances() == ()


@pytest.mark.slow
async def test_a_name_that_is_taken_gets_another_ending(
    s3kit: addonkit.Kit, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = f"taken-{time.time_ns()}"
    admin.create_bucket(Bucket=taken)
    admin.put_object(Bucket=taken, Key="precious", Body=b"")
    monkeypatch.setattr(sagas, "bucket_names", lambda *_: (taken, f"{taken}-2"))

    assert (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"] == f"{taken}-2"
    await s3kit.destroy("shop-s3-remote")

    assert taken in names(admin)
    assert f"{taken}-2" not in names(admin)


async def test_a_service_elsewhere_is_not_taken_for_an_empty_one(
    s3kit: addonkit.Kit, operator: Mapping[str, str], admin: Any
) -> None:
    bucket = (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]
    admin.delete_bucket(Bucket=bucket)
    await s3kit.set_config("s3-remote", {"endpoint": operator["endpoint"].replace("127.0.0.1", "localhost")})

    with pytest.raises(addonkit.InstanceFailed, match=f"it was made on {operator['endpoint']}"):
        await s3kit.destroy("shop-s3-remote")


def _fail() -> None:
    raise ValueError("injected")


async def test_options_are_what_the_service_says(admin: Any, s3kit: addonkit.Kit) -> None:
    created = await s3kit.create("s3-remote", app="shop", options={"versioning": "true"})
    place = {"Bucket": created.environ()["S3_BUCKET"]}
    assert admin.get_bucket_versioning(**place)["Status"] == "Enabled"

    await s3kit.options.set("shop-s3-remote", {"versioning": "off", "expire_days": "30"})
    assert admin.get_bucket_versioning(**place)["Status"] == "Suspended"
    (rule,) = admin.get_bucket_lifecycle_configuration(**place)["Rules"]
    assert (rule["ID"], rule["Expiration"]["Days"]) == ("addonkit-expire", 30)
    await s3kit.options.set("shop-s3-remote", {}, reset=["expire_days"])
    with pytest.raises(REFUSAL, match="NoSuchLifecycleConfiguration"):
        admin.get_bucket_lifecycle_configuration(**place)
    with (
        failpoints.at("after:change_bucket", _fail),
        pytest.raises(addonkit.AddonkitError, match="the former values are in force"),
    ):
        await s3kit.options.set("shop-s3-remote", {"versioning": "on", "expire_days": "7"})
    assert admin.get_bucket_versioning(**place)["Status"] == "Suspended"
    with pytest.raises(REFUSAL, match="NoSuchLifecycleConfiguration"):
        admin.get_bucket_lifecycle_configuration(**place)
    with pytest.raises(addonkit.InvalidInput, match="use variant bucket"):
        await s3kit.plan_create("s3-remote:prefix", "blog", options={"versioning": "on"})
