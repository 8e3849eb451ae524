"""Settings of S3 that change after an instance was made: nothing is made, copied or taken for gone at another service."""

from __future__ import annotations

import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import addonkit
from addonkit import AddonkitError, InstanceFailed, Retry
from addonkit.engine import compensation, failpoints
from addonkit.testing.command import CommandLine
from addonkit_s3_remote.conformance import of_app, of_operator
from addonkit_s3_remote.local import local_service

STATIC = {"credentials": "static"}


@pytest.fixture(scope="module")
def other() -> Iterator[Mapping[str, str]]:
    """Settings of another service."""
    with local_service() as settings:
        yield settings


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An undo that fails is given up soon; backups lie beside."""
    monkeypatch.setattr(compensation, "ROUNDS", Retry(attempts=1, first_delay=0.01))
    monkeypatch.setenv("ADDONKIT_BACKUPS", str(tmp_path / "backups"))


@pytest.fixture(params=["prefix", "bucket"])
async def made(
    request: pytest.FixtureRequest, s3kit: addonkit.Kit, operator: Mapping[str, str], other: Mapping[str, str]
) -> Mapping[str, str]:
    """Variables of an instance; a bucket for folders has the same name at both services."""
    if request.param == "prefix":
        name = f"both-{time.time_ns()}"
        for settings in (operator, other):
            of_operator(settings).create_bucket(Bucket=name)
        await s3kit.set_config("s3-remote", {"bucket": name})
    return (await s3kit.create(f"s3-remote:{request.param}", app="shop")).environ()


def there(settings: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """What a service has: buckets, and users of apps."""
    users = of_operator(settings, "iam").list_users(PathPrefix="/addonkit/")["Users"]
    buckets = of_operator(settings).list_buckets().get("Buckets", ())
    return {each["Name"] for each in buckets}, {each["UserName"] for each in users}


ATTEMPTS: Mapping[str, Callable[[addonkit.Kit], Awaitable[Any]]] = {
    "attach": lambda kit: kit.attach("shop-s3-remote", app="blog"),
    "rotate": lambda kit: kit.rotations.rotate("shop-s3-remote"),
    "backup": lambda kit: kit.backups.create("shop-s3-remote"),
    "clone": lambda kit: kit.moves.clone("shop-s3-remote", "copy"),
    "usage": lambda kit: kit.usage("shop-s3-remote"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.all_day("prefix-attach", "prefix-rotate", "prefix-clone", "prefix-usage", "bucket-attach")
async def test_nothing_is_made_at_another_service(
    s3kit: addonkit.Kit, made: Mapping[str, str], operator: Mapping[str, str], other: Mapping[str, str], attempt: str
) -> None:
    before = there(operator), there(other)
    await s3kit.set_config("s3-remote", other)

    with pytest.raises(AddonkitError) as refused:
        await ATTEMPTS[attempt](s3kit)

    assert f"it is not on {other['endpoint']}; it was made on {operator['endpoint']}; run `addonkit" in str(
        refused.value
    )
    assert "\n" not in str(refused.value)
    assert (there(operator), there(other)) == before
    assert await s3kit.executions(unfinished=True) == ()
    assert (await s3kit.environment("shop")).values == made
    await s3kit.set_config("s3-remote", operator)
    await s3kit.retry("shop-s3-remote")
    await s3kit.attach("shop-s3-remote", app="more")
    assert (await s3kit.environment("more")).values["AWS_ENDPOINT_URL_S3"] == operator["endpoint"]


async def test_the_key_of_another_operator_is_not_given(
    s3kit: addonkit.Kit, made: Mapping[str, str], other: Mapping[str, str]
) -> None:
    await s3kit.set_config("s3-remote", {**other, **STATIC})

    with pytest.raises(InstanceFailed, match="it was made on"):
        await s3kit.attach("shop-s3-remote", app="blog")

    assert (await s3kit.environment("blog")).values == {}


async def test_an_option_that_cannot_be_set_elsewhere_leaves_nothing_to_undo(
    s3kit: addonkit.Kit, other: Mapping[str, str]
) -> None:
    await s3kit.create("s3-remote", app="shop")
    await s3kit.set_config("s3-remote", other)

    with pytest.raises(InstanceFailed, match="it was made on"):
        await s3kit.options.set("shop-s3-remote", {"versioning": "on"})

    assert await s3kit.executions(unfinished=True) == ()


async def test_a_service_that_has_another_name_by_now_is_the_same(
    s3kit: addonkit.Kit, made: Mapping[str, str], operator: Mapping[str, str]
) -> None:
    of_app(made).put_object(Bucket=made["S3_BUCKET"], Key=made.get("S3_PREFIX", "") + "key", Body=b"kept")
    await s3kit.set_config("s3-remote", {"endpoint": operator["endpoint"].replace("127.0.0.1", "localhost")})

    blog = (await s3kit.attach("shop-s3-remote", app="blog")).environ()

    key = made.get("S3_PREFIX", "") + "key"
    assert of_app(blog).get_object(Bucket=blog["S3_BUCKET"], Key=key)["Body"].read() == b"kept"
    await s3kit.destroy("shop-s3-remote")


def changing(kit: addonkit.Kit, settings: Mapping[str, str]) -> failpoints.Action:
    """Change settings in the middle of a saga, and fail."""

    async def act() -> None:
        await kit.set_config("s3-remote", settings)
        raise AddonkitError("going on", "the test does not want it")

    return act


@pytest.mark.parametrize("point", ["after:create_user", "before:allow_place", "before:try_key"])
@pytest.mark.all_day("after:create_user", "before:try_key")
async def test_a_user_that_was_made_is_removed_though_apps_are_to_have_none_by_now(
    s3kit: addonkit.Kit, operator: Mapping[str, str], point: str
) -> None:
    before = there(operator)
    with failpoints.at(point, changing(s3kit, STATIC)), pytest.raises(InstanceFailed, match="the test does not want"):
        await s3kit.create("s3-remote", app="shop")

    assert there(operator)[1] == before[1]
    await s3kit.destroy("shop-s3-remote")
    assert there(operator) == before


async def test_a_user_that_was_made_is_removed_with_its_instance_though_apps_are_to_have_none_by_now(
    s3kit: addonkit.Kit, operator: Mapping[str, str]
) -> None:
    before = there(operator)
    await s3kit.create("s3-remote", app="shop")
    await s3kit.set_config("s3-remote", STATIC)

    await s3kit.destroy("shop-s3-remote")

    assert there(operator) == before


@pytest.mark.parametrize("point", ["after:create_user", "before:try_key"])
async def test_no_user_is_looked_for_where_none_can_be(
    kit: addonkit.Kit, rclone: Mapping[str, str], point: str
) -> None:
    await kit.set_config("s3-remote", {**rclone, **STATIC})
    with (
        failpoints.at(point, changing(kit, {"credentials": "iam"})),
        pytest.raises(InstanceFailed, match="the test does not want"),
    ):
        await kit.create("s3-remote", app="shop")

    assert await kit.executions(unfinished=True) == ()
    await kit.destroy("shop-s3-remote")
    assert of_operator(rclone).list_buckets().get("Buckets", []) == []


@pytest.mark.parametrize(
    "point", ["after:create_bucket", "before:protect_bucket", "after:create_user", "before:try_key"]
)
@pytest.mark.all_day("after:create_bucket", "after:create_user")
async def test_what_was_half_made_at_the_service_before_is_not_forgotten(
    s3kit: addonkit.Kit, operator: Mapping[str, str], other: Mapping[str, str], point: str
) -> None:
    before = there(operator), there(other)
    with (
        failpoints.at(point, changing(s3kit, other)),
        pytest.raises(InstanceFailed, match=f"config set s3-remote endpoint={operator['endpoint']}"),
    ):
        await s3kit.create("s3-remote", app="shop")
    await s3kit.set_config("s3-remote", operator)

    for each in await s3kit.executions(unfinished=True):
        await s3kit.retry_execution(each.id)
    await s3kit.destroy("shop-s3-remote")

    assert (there(operator), there(other)) == before


@pytest.mark.parametrize("point", ["revoke_key", "check_ownership", "remove_objects"])
@pytest.mark.all_day("check_ownership")
def test_a_removal_that_was_killed_does_not_end_at_another_service(
    addonkit_command: CommandLine, operator: Mapping[str, str], other: Mapping[str, str], point: str
) -> None:
    before = there(operator)
    words, here, away = ("destroy", "shop-s3-remote", "--now", "--yes"), told(operator), told(other)
    assert addonkit_command("create", "s3-remote", "-a", "shop", **here).status == 0
    killed = addonkit_command(*words, **here, ADDONKIT_FAULT=f"journal:{point}=kill")
    assert killed.status == -signal.SIGKILL, killed.err

    refused = addonkit_command(*words, **away)

    assert refused.status == 1
    assert f"config set s3-remote endpoint={operator['endpoint']}`" in refused.err
    assert addonkit_command(*words, **here).status == 0
    assert there(operator) == before


def told(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"ADDONKIT_S3_REMOTE_{name.upper()}": value for name, value in settings.items()}
