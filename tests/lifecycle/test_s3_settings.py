"""What an S3 operator tells, how, and what follows on a service that cannot make keys."""

from __future__ import annotations

import signal
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

import addonkit
from addonkit.testing.command import CommandLine
from addonkit_s3_remote.conformance import of_app, of_operator


def names(settings: Mapping[str, str]) -> list[str]:
    return [each["Name"] for each in of_operator(settings).list_buckets().get("Buckets", ())]


async def test_what_is_not_told_is_asked_for_before_anything_is_stored(kit: addonkit.Kit) -> None:
    with pytest.raises(addonkit.NotConfigured, match="addonkit config set s3-remote endpoint=") as missing:
        await kit.create("s3-remote", app="shop")

    assert missing.value.details["missing"] == ["endpoint", "access_key", "secret_key"]
    assert await kit.instances() == ()


async def test_a_folder_needs_a_bucket_to_be_in(s3kit: addonkit.Kit) -> None:
    with pytest.raises(addonkit.NotConfigured, match=r"addonkit config set s3-remote bucket=\.\.\."):
        await s3kit.create("s3-remote:prefix", app="shop")


async def test_the_environment_wins_over_what_is_stored(home: Path, operator: Mapping[str, str]) -> None:
    environ = {f"ADDONKIT_S3_REMOTE_{name.upper()}": value for name, value in operator.items()}
    async with addonkit.open(home, environ=environ) as kit:
        await kit.set_config("s3-remote", {"endpoint": "http://127.0.0.1:1"})
        binding = await kit.create("s3-remote", app="shop")

        assert binding.environ()["AWS_ENDPOINT_URL_S3"] == operator["endpoint"]
        await kit.destroy("shop-s3-remote")


@pytest.mark.slow
async def test_a_bucket_may_be_in_the_host_name(
    s3kit: addonkit.Kit, operator: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names_of_buckets: set[str] = set()
    resolve = socket.getaddrinfo

    def found(host: str, *more: object, **named: object) -> object:
        """What a name server of the service would say."""
        name, below, _ = host.partition(".localhost")
        names_of_buckets.update([name] if below else [])
        return resolve("127.0.0.1" if below else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    told = {"endpoint": operator["endpoint"].replace("127.0.0.1", "localhost"), "path_style": "false"}
    await s3kit.set_config("s3-remote", told)
    environ = (await s3kit.create("s3-remote", app="shop")).environ()
    of_app(environ).put_object(Bucket=environ["S3_BUCKET"], Key="key", Body=b"")

    await s3kit.destroy("shop-s3-remote")

    assert environ["S3_BUCKET"] in names_of_buckets
    assert environ["S3_BUCKET"] not in names(operator)


async def test_without_iam_creating_says_what_the_operator_can_allow(
    kit: addonkit.Kit, rclone: Mapping[str, str]
) -> None:
    await kit.set_config("s3-remote", rclone)

    with pytest.raises(addonkit.InstanceFailed, match="config set s3-remote credentials=static"):
        await kit.create("s3-remote", app="shop")

    assert names(rclone) == []


async def test_without_iam_the_operators_key_is_given_where_that_is_allowed(
    kit: addonkit.Kit, rclone: Mapping[str, str]
) -> None:
    await kit.set_config("s3-remote", {**rclone, "credentials": "static"})
    environ = (await kit.create("s3-remote", app="shop")).environ()
    key = environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    assert key == (rclone["access_key"], rclone["secret_key"])
    for name in ("a/b", "c"):
        of_app(environ).put_object(Bucket=environ["S3_BUCKET"], Key=name, Body=b"hello")

    plan = await kit.plan_destroy("shop-s3-remote")
    await kit.destroy("shop-s3-remote")

    assert "2 objects, 10 bytes" in plan.lost
    assert names(rclone) == []


def configured(command: CommandLine, operator: Mapping[str, str]) -> None:
    words = [f"{name}={value}" for name, value in operator.items() if name != "secret_key"]
    done = command("config", "set", "s3-remote", *words, "secret_key=-", input=f"{operator['secret_key']}\n")
    assert done.status == 0, done.err


def test_the_command_line_hides_and_forgets(
    addonkit_command: CommandLine, home: Path, operator: Mapping[str, str]
) -> None:
    configured(addonkit_command, operator)

    shown = addonkit_command("config", "show", "s3-remote")
    assert operator["access_key"] in shown.out
    assert operator["secret_key"] not in shown.out
    settings = {
        each["name"]: each for each in addonkit_command("config", "show", "s3-remote", "--json").data["settings"]
    }
    assert (settings["secret_key"]["value"], settings["region"]["source"]) == ("***", "default")
    assert not [p for p in home.rglob("*") if p.is_file() and operator["secret_key"].encode() in p.read_bytes()]
    assert addonkit_command("config", "unset", "s3-remote", "access_key").status == 0
    refused = addonkit_command("create", "s3-remote", "-a", "shop")
    assert refused.status == 1
    assert "addonkit config set s3-remote access_key=..." in refused.err
    assert "no such setting" in addonkit_command("config", "set", "s3-remote", "endpont=x").err
    assert "is not allowed" in addonkit_command("config", "set", "s3-remote", "credentials=none").err


@pytest.mark.slow
@pytest.mark.parametrize("point", ["after:create_bucket", "after:remove_objects"])
def test_killed_on_a_service_without_tags_the_bucket_is_known_again(
    addonkit_command: CommandLine, rclone: Mapping[str, str], point: str
) -> None:
    configured(addonkit_command, {**rclone, "credentials": "static"})
    creating = addonkit_command("create", "s3-remote", "-a", "shop", ADDONKIT_FAULT=f"{point}=kill")
    assert creating.status == (-signal.SIGKILL if "create" in point else 0), creating.err
    if "create" in point:
        assert addonkit_command("retry", "shop-s3-remote").status == 0
    else:
        killed = addonkit_command("destroy", "shop-s3-remote", "--yes", ADDONKIT_FAULT=f"{point}=kill")
        assert killed.status == -signal.SIGKILL, killed.err
    assert len(names(rclone)) == 1

    gone = addonkit_command("destroy", "shop-s3-remote", "--yes")

    assert gone.status == 0, gone.err
    assert names(rclone) == []
