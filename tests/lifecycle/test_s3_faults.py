"""What can be wrong with an S3 service, its operator's key, the clock or the network: said in one line, nothing left."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import botocore.auth
import pytest

import addonkit
from addonkit import Retry
from addonkit.engine import compensation
from addonkit_s3_remote import client
from addonkit_s3_remote.conformance import of_operator

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def names(settings: Mapping[str, str]) -> set[str]:
    return {each["Name"] for each in of_operator(settings).list_buckets().get("Buckets", ())}


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[str]:
    """Somebody on loopback who answers, or does not, as told; its URL."""

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(whole, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()


WRONG = {
    "a wrong secret": ({"secret_key": "wrong"}, "does not accept the secret key"),
    "an unknown key": ({"access_key": "AKIAUNKNOWN"}, "does not know the access key"),
    "nobody there": ({"endpoint": "http://127.0.0.1:1"}, "does not answer"),
    "no TLS": ({"allow_http": "false"}, "without TLS"),
    "no URL": ({"endpoint": "s3.example.org"}, "it is not a URL"),
    "a missing file": (
        {"ca_file": "/nonexistent.pem", "endpoint": "https://127.0.0.1:1"},
        "nonexistent.pem cannot be read",
    ),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_is_said_in_one_line(s3kit: addonkit.Kit, operator: Mapping[str, str], what: str) -> None:
    before = names(operator)
    settings, line = WRONG[what]
    await s3kit.set_config("s3-remote", settings)

    with pytest.raises(addonkit.InstanceFailed, match=line) as failed:
        await s3kit.create("s3-remote", app="shop")

    assert "\n" not in str(failed.value)
    assert settings.get("secret_key", "no secret") not in str(failed.value)
    assert names(operator) == before


LOOK = ["iam:*", "s3:HeadBucket", "s3:ListBucket", "s3:ListAllMyBuckets"]
MISSING = {
    "everything": ([], "asking the service for IAM"),
    "looking": (["iam:*"], "looking at bucket"),
    "creating": (LOOK, "creating bucket"),
    "marking": ([*LOOK, "s3:CreateBucket", "s3:DeleteBucket"], "marking bucket"),
}


@pytest.mark.parametrize("what", MISSING)
async def test_a_permission_that_is_missing_is_named_and_nothing_is_left(
    s3kit: addonkit.Kit, operator: Mapping[str, str], what: str
) -> None:
    before = names(operator)
    allowed, attempted = MISSING[what]
    await s3kit.set_config("s3-remote", key_that_may(operator, *allowed))

    with pytest.raises(addonkit.InstanceFailed, match=rf"{attempted}.*: the service does not allow it"):
        await s3kit.create("s3-remote", app="shop")

    assert names(operator) == before


async def test_a_bucket_that_may_not_be_removed_again_is_not_forgotten(
    s3kit: addonkit.Kit, operator: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compensation, "ROUNDS", Retry(attempts=2, first_delay=0.01))
    before = names(operator)
    await s3kit.set_config("s3-remote", key_that_may(operator, *LOOK, "s3:CreateBucket"))

    with pytest.raises(addonkit.InstanceFailed, match=r"undoing .*: removing bucket shop-.*; `addonkit saga retry"):
        await s3kit.create("s3-remote", app="shop")
    assert len(names(operator) - before) == 1
    await s3kit.set_config("s3-remote", operator)
    (execution,) = await s3kit.executions(unfinished=True)
    await s3kit.retry_execution(execution.id)
    await s3kit.destroy("shop-s3-remote")

    assert names(operator) == before


def key_that_may(operator: Mapping[str, str], *actions: str) -> dict[str, str]:
    """Settings with a key that is allowed these actions alone."""
    iam, name = of_operator(operator, "iam"), f"weak-{time.time_ns()}"
    iam.create_user(UserName=name)
    if actions:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.put_user_policy(UserName=name, PolicyName="some", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}


async def test_a_bucket_for_folders_that_is_not_there_is_named(s3kit: addonkit.Kit) -> None:
    await s3kit.set_config("s3-remote", {"bucket": "nothing-there"})

    with pytest.raises(addonkit.InstanceFailed, match=r"nothing-there: .* has no such bucket; create it there, or run"):
        await s3kit.create("s3-remote:prefix", app="shop")


@pytest.mark.pinned
async def test_a_clock_that_is_wrong_is_said_to_be(
    kit: addonkit.Kit, rclone: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a service that says AccessDenied then, as some do."""
    signed, ours = botocore.auth.get_current_datetime, client._now
    behind = dt.timedelta(hours=2)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *args, **named: signed(*args, **named) - behind)
    monkeypatch.setattr(client, "_now", lambda: ours() - behind)
    await kit.set_config("s3-remote", rclone)

    with pytest.raises(addonkit.InstanceFailed, match="the clocks of this machine and the service differ too much"):
        await kit.create("s3-remote", app="shop")


async def test_a_service_that_is_silent_is_given_up(s3kit: addonkit.Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.2)

    async def swallow(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    async with listening(swallow) as url:
        await s3kit.set_config("s3-remote", {"endpoint": url})
        with pytest.raises(addonkit.InstanceFailed, match=f"the service does not answer: .*run `curl -i {url}"):
            await s3kit.create("s3-remote", app="shop")


async def test_a_network_that_flaps_is_tried_again(s3kit: addonkit.Kit, operator: Mapping[str, str]) -> None:
    before = names(operator)
    host, port = operator["endpoint"].removeprefix("http://").split(":")
    left = 4

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def flap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Cut the first connections, then let all through."""
        nonlocal left
        left -= 1
        if left < 0:
            behind = await asyncio.open_connection(host, int(port))
            await asyncio.gather(pipe(reader, behind[1]), pipe(behind[0], writer))

    async with listening(flap) as url:
        await s3kit.set_config("s3-remote", {"endpoint": url})
        await s3kit.create("s3-remote", app="shop")
        assert left < 0
        assert len(names(operator) - before) == 1
        await s3kit.destroy("shop-s3-remote")

    assert names(operator) == before


async def test_what_is_not_s3_is_said_to_be_none(s3kit: addonkit.Kit) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")

    async with listening(answer) as url:
        await s3kit.set_config("s3-remote", {"endpoint": url})
        with pytest.raises(addonkit.InstanceFailed, match="does not speak S3"):
            await s3kit.create("s3-remote", app="shop")


async def test_a_key_that_may_make_no_user_leaves_a_bucket_that_can_be_destroyed(
    s3kit: addonkit.Kit, operator: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compensation, "ROUNDS", Retry(attempts=1, first_delay=0.01))
    before = names(operator)
    await s3kit.set_config("s3-remote", key_that_may(operator, "s3:*", "iam:ListUsers"))

    with pytest.raises(addonkit.InstanceFailed, match=r"creating user .*: the service does not allow it"):
        await s3kit.create("s3-remote", app="shop")

    assert await s3kit.executions(unfinished=True) == ()
    await s3kit.destroy("shop-s3-remote")
    assert names(operator) == before
    assert await s3kit.instances() == ()


@pytest.mark.parametrize("name", ["endpoint", "access_key", "secret_key"])
@pytest.mark.all_day("endpoint")
async def test_settings_that_were_removed_are_named_when_it_is_destroyed(
    s3kit: addonkit.Kit, operator: Mapping[str, str], name: str
) -> None:
    before = names(operator)
    await s3kit.create("s3-remote", app="shop")
    await s3kit.unset_config("s3-remote", [name])

    with pytest.raises(addonkit.InstanceFailed, match=rf"has not set {name}; run `addonkit config set") as said:
        await s3kit.destroy("shop-s3-remote")

    assert "\n" not in str(said.value)
    await s3kit.set_config("s3-remote", {name: operator[name]})
    await s3kit.destroy("shop-s3-remote")
    assert names(operator) == before
