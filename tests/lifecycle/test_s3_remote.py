"""S3 as its users have it: buckets, folders and keys on real services, one with IAM and one without."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiobotocore.config
import aiobotocore.session
import botocore.exceptions
import pytest

import addonkit
from addonkit.testing.command import CommandLine
from addonkit_s3_remote import objects
from addonkit_s3_remote.local import local_service

ADMIN = "rclone-admin-key-id", "rclone-admin-secret"
CLIENT_ERROR = botocore.exceptions.ClientError


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def serving(argv: list[str], port: int, **environ: str) -> Iterator[str]:
    """Run a server until the block ends; its URL."""
    process = subprocess.Popen(argv, env=os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, f"{argv[0]} ended"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


def client(kind: str, url: str, key: tuple[str, str], region: str = "us-east-1") -> Any:
    return aiobotocore.session.get_session().create_client(
        kind,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=aiobotocore.config.AioConfig(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def of_app(environ: dict[str, str]) -> Any:
    key = environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    return client("s3", environ["AWS_ENDPOINT_URL_S3"], key, environ["AWS_REGION"])


@pytest.fixture(scope="module")
def operator() -> Iterator[dict[str, str]]:
    """Settings of an operator who may do everything on a service with IAM."""
    with local_service() as settings:
        yield dict(settings)


@pytest.fixture
async def admin(operator: dict[str, str]) -> AsyncIterator[Any]:
    """The operator's own client."""
    async with client("s3", operator["endpoint"], (operator["access_key"], operator["secret_key"])) as s3:
        yield s3


@pytest.fixture
async def s3kit(kit: addonkit.Kit, operator: dict[str, str]) -> addonkit.Kit:
    """addonkit, told about the service."""
    await kit.set_config("s3-remote", operator)
    return kit


async def names(admin: Any) -> set[str]:
    return {each["Name"] for each in (await admin.list_buckets())["Buckets"]}


async def test_an_app_uses_its_bucket_until_it_is_destroyed(s3kit: addonkit.Kit, admin: Any) -> None:
    before = await names(admin)
    binding = await s3kit.create("s3-remote", app="shop")
    environ = binding.environ()

    async with of_app(environ) as s3:
        await s3.put_object(Bucket=environ["S3_BUCKET"], Key="a/b", Body=b"hello")
        got = await s3.get_object(Bucket=environ["S3_BUCKET"], Key="a/b")
        assert await got["Body"].read() == b"hello"
    plan = await s3kit.plan_destroy("shop-s3-remote")
    assert "1 object, 5 bytes" in plan.lost
    await s3kit.destroy("shop-s3-remote")

    assert await names(admin) == before


PLAIN = ["S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION",
         "AWS_ENDPOINT_URL_S3", "S3_URL"]  # fmt: skip


@pytest.fixture
async def shared(admin: Any, s3kit: addonkit.Kit) -> str:
    """The operator's bucket for the variant prefix."""
    name = f"shared-{time.time_ns()}"
    await admin.create_bucket(Bucket=name)
    await s3kit.set_config("s3-remote", {"bucket": name})
    return name


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


async def refused(environ: dict[str, str], bucket: str, key: str = "key") -> str:
    async with of_app(environ) as s3:
        codes = set()
        for call in (
            s3.get_object(Bucket=bucket, Key=key),
            s3.put_object(Bucket=bucket, Key=key, Body=b""),
            s3.delete_object(Bucket=bucket, Key=key),
        ):
            with pytest.raises(CLIENT_ERROR) as refusal:
                await call
            codes.add(refusal.value.response["Error"]["Code"])
    assert len(codes) == 1, codes
    return codes.pop()


async def test_a_key_opens_no_other_bucket(s3kit: addonkit.Kit) -> None:
    shop = (await s3kit.create("s3-remote", app="shop")).environ()
    blog = (await s3kit.create("s3-remote", app="blog")).environ()

    assert await refused(shop, blog["S3_BUCKET"]) == "AccessDenied"
    async with of_app(shop) as s3:
        for call in (s3.list_buckets(), s3.create_bucket(Bucket="another"), s3.delete_bucket(Bucket=shop["S3_BUCKET"])):
            with pytest.raises(CLIENT_ERROR, match="AccessDenied"):
                await call


async def test_a_key_opens_no_other_folder(s3kit: addonkit.Kit, shared: str, admin: Any) -> None:
    shop = (await s3kit.create("s3-remote:prefix", app="shop")).environ()
    blog = (await s3kit.create("s3-remote:prefix", app="blog")).environ()
    assert shop["S3_BUCKET"] == blog["S3_BUCKET"] == shared

    async with of_app(shop) as s3:
        await s3.put_object(Bucket=shared, Key=f"{shop['S3_PREFIX']}key", Body=b"own")
    assert await refused(blog, shared, f"{shop['S3_PREFIX']}key") == "AccessDenied"
    assert await refused(blog, shared, "key") == "AccessDenied"
    await admin.put_object(Bucket=shared, Key="operator", Body=b"stays")
    await s3kit.destroy("blog-s3-remote")
    await s3kit.destroy("shop-s3-remote")

    left = (await admin.list_objects_v2(Bucket=shared))["Contents"]
    assert [each["Key"] for each in left] == ["operator"]


async def test_a_key_is_dead_at_once_when_its_app_is_detached(s3kit: addonkit.Kit) -> None:
    shop = (await s3kit.create("s3-remote", app="shop")).environ()
    blog = (await s3kit.attach("shop-s3-remote", app="blog")).environ()
    assert shop["S3_BUCKET"] == blog["S3_BUCKET"]
    assert shop["AWS_ACCESS_KEY_ID"] != blog["AWS_ACCESS_KEY_ID"]

    await s3kit.detach("shop-s3-remote", app="blog")

    assert await refused(blog, shop["S3_BUCKET"]) == "InvalidAccessKeyId"
    async with of_app(shop) as s3:
        await s3.put_object(Bucket=shop["S3_BUCKET"], Key="key", Body=b"")


async def test_a_key_that_cannot_be_revoked_is_told_of_until_it_is(s3kit: addonkit.Kit, home: Path) -> None:
    shop = (await s3kit.create("s3-remote", app="shop")).environ()
    blog = (await s3kit.attach("shop-s3-remote", app="blog")).environ()
    async with addonkit.open(home, registry=addonkit.Registry()) as without:
        with pytest.raises(
            addonkit.InstanceFailed, match=r"revoking the credentials of blog .* pip install addonkit-s3"
        ):
            await without.detach("shop-s3-remote", app="blog")
        assert (await without.environment("blog")).as_dict() == {}
        (view,) = await without.instances()
        assert "is not installed" in next(each.message for each in view.associations if each.app == "blog")

    await s3kit.retry("shop-s3-remote")

    assert await refused(blog, shop["S3_BUCKET"]) == "InvalidAccessKeyId"
    assert [each.app for each in (await s3kit.show("shop-s3-remote")).associations] == ["shop"]


async def test_destroying_removes_versions_uploads_and_users(
    s3kit: addonkit.Kit, admin: Any, operator: dict[str, str]
) -> None:
    environ = (await s3kit.create("s3-remote", app="shop")).environ()
    bucket = environ["S3_BUCKET"]
    await admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for text in (b"one", b"two", b"three"):
        await admin.put_object(Bucket=bucket, Key="key", Body=text)
    await admin.delete_object(Bucket=bucket, Key="key")
    await admin.create_multipart_upload(Bucket=bucket, Key="big")

    plan = await s3kit.plan_destroy("shop-s3-remote")
    await s3kit.destroy("shop-s3-remote")

    assert "4 objects, 11 bytes" in plan.lost
    assert bucket not in await names(admin)
    async with client("iam", operator["endpoint"], (operator["access_key"], operator["secret_key"])) as iam:
        users = (await iam.list_users(PathPrefix="/addonkit/"))["Users"]
    ids = {association.id for view in await s3kit.instances() for association in view.associations}
    assert {user["UserName"] for user in users if user["UserName"].removeprefix("addonkit-") in ids} == set()
    assert environ["AWS_ACCESS_KEY_ID"] not in repr(users)


async def test_many_objects_go_in_batches_and_it_is_told(
    home: Path, operator: dict[str, str], admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "BATCH", 10)
    told: list[str] = []
    async with addonkit.open(home, on_event=lambda event: told.append(event.message)) as kit:
        await kit.set_config("s3-remote", operator)
        bucket = (await kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]
        for number in range(25):
            await admin.put_object(Bucket=bucket, Key=f"{number:05}", Body=b"")
        await kit.destroy("shop-s3-remote")

    assert any("10 objects removed" in text for text in told)
    assert any("25 objects removed" in text for text in told)
    assert bucket not in await names(admin)


async def test_the_bucket_is_private_and_encrypted(s3kit: addonkit.Kit, admin: Any) -> None:
    bucket = (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]

    blocked = (await admin.get_public_access_block(Bucket=bucket))["PublicAccessBlockConfiguration"]
    encryption = await admin.get_bucket_encryption(Bucket=bucket)
    assert set(blocked.values()) == {True}
    assert "AES256" in repr(encryption)


async def test_a_bucket_that_was_replaced_by_another_is_not_removed(s3kit: addonkit.Kit, admin: Any) -> None:
    bucket = (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]
    await admin.delete_bucket(Bucket=bucket)
    await admin.create_bucket(Bucket=bucket)
    await admin.delete_bucket_tagging(Bucket=bucket)  # this server keeps them by name
    await admin.put_object(Bucket=bucket, Key="precious", Body=b"")

    with pytest.raises(addonkit.InstanceFailed, match="does not carry the mark of shop-s3-remote"):
        await s3kit.destroy("shop-s3-remote")

    assert (await admin.list_objects_v2(Bucket=bucket))["KeyCount"] == 1


async def test_a_bucket_that_is_gone_already_is_success(s3kit: addonkit.Kit, admin: Any) -> None:
    bucket = (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]
    await admin.delete_bucket(Bucket=bucket)

    await s3kit.destroy("shop-s3-remote")

    assert await s3kit.instances() == ()


async def test_a_name_that_is_taken_gets_another_ending(
    s3kit: addonkit.Kit, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from addonkit_s3_remote import sagas

    taken = f"taken-{time.time_ns()}"
    await admin.create_bucket(Bucket=taken)
    await admin.put_object(Bucket=taken, Key="precious", Body=b"")
    monkeypatch.setattr(sagas, "bucket_names", lambda *_: (taken, f"{taken}-2"))

    assert (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"] == f"{taken}-2"
    await s3kit.destroy("shop-s3-remote")

    assert taken in await names(admin)
    assert f"{taken}-2" not in await names(admin)


async def test_a_service_elsewhere_is_not_taken_for_an_empty_one(
    s3kit: addonkit.Kit, operator: dict[str, str], admin: Any
) -> None:
    bucket = (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]
    await admin.delete_bucket(Bucket=bucket)
    await s3kit.set_config("s3-remote", {"endpoint": operator["endpoint"].replace("127.0.0.1", "localhost")})

    with pytest.raises(addonkit.InstanceFailed, match=f"it was made on {operator['endpoint']}"):
        await s3kit.destroy("shop-s3-remote")


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
async def test_what_is_wrong_is_said_in_one_line(s3kit: addonkit.Kit, admin: Any, what: str) -> None:
    before = await names(admin)
    settings, line = WRONG[what]
    await s3kit.set_config("s3-remote", settings)

    with pytest.raises(addonkit.InstanceFailed, match=line) as failed:
        await s3kit.create("s3-remote", app="shop")

    assert "\n" not in str(failed.value)
    assert settings.get("secret_key", "no secret") not in str(failed.value)
    assert await names(admin) == before


async def test_a_key_that_may_not_make_buckets_is_told_so(s3kit: addonkit.Kit, operator: dict[str, str]) -> None:
    async with client("iam", operator["endpoint"], (operator["access_key"], operator["secret_key"])) as iam:
        name = f"weak-{time.time_ns()}"
        await iam.create_user(UserName=name)
        key = (await iam.create_access_key(UserName=name))["AccessKey"]
    await s3kit.set_config("s3-remote", {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]})

    with pytest.raises(addonkit.InstanceFailed, match="does not allow it"):
        await s3kit.create("s3-remote", app="shop")


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings of a service that has no IAM."""
    port = free_port()
    argv = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    argv += ["--auth-key", ",".join(ADMIN), "--config", os.devnull, str(tmp_path_factory.mktemp("buckets"))]
    with serving(argv, port) as url:
        yield {"endpoint": url, "allow_http": "true", "access_key": ADMIN[0], "secret_key": ADMIN[1]}


async def test_without_iam_creating_says_what_the_operator_can_allow(kit: addonkit.Kit, rclone: dict[str, str]) -> None:
    await kit.set_config("s3-remote", rclone)

    with pytest.raises(addonkit.InstanceFailed, match="config set s3-remote credentials=static"):
        await kit.create("s3-remote", app="shop")

    async with client("s3", rclone["endpoint"], ADMIN) as s3:
        assert (await s3.list_buckets()).get("Buckets", []) == []


async def test_without_iam_the_operators_key_is_given_where_that_is_allowed(
    kit: addonkit.Kit, rclone: dict[str, str]
) -> None:
    await kit.set_config("s3-remote", rclone | {"credentials": "static"})
    environ = (await kit.create("s3-remote", app="shop")).environ()
    assert (environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]) == ADMIN
    async with of_app(environ) as s3:
        await s3.put_object(Bucket=environ["S3_BUCKET"], Key="a/b", Body=b"hello")
        await s3.put_object(Bucket=environ["S3_BUCKET"], Key="c", Body=b"hello")

    plan = await kit.plan_destroy("shop-s3-remote")
    await kit.destroy("shop-s3-remote")

    assert "2 objects, 10 bytes" in plan.lost
    async with client("s3", rclone["endpoint"], ADMIN) as s3:
        assert (await s3.list_buckets()).get("Buckets", []) == []


async def test_what_is_not_told_is_asked_for_before_anything_is_stored(kit: addonkit.Kit) -> None:
    with pytest.raises(addonkit.NotConfigured, match="addonkit config set s3-remote endpoint=") as missing:
        await kit.create("s3-remote", app="shop")

    assert missing.value.details["missing"] == ["endpoint", "access_key", "secret_key"]
    assert await kit.instances() == ()


async def test_a_folder_needs_a_bucket_to_be_in(s3kit: addonkit.Kit) -> None:
    with pytest.raises(addonkit.NotConfigured, match=r"addonkit config set s3-remote bucket=\.\.\."):
        await s3kit.create("s3-remote:prefix", app="shop")


async def test_the_environment_wins_over_what_is_stored(home: Path, operator: dict[str, str]) -> None:
    environ = {f"ADDONKIT_S3_REMOTE_{name.upper()}": value for name, value in operator.items()}
    async with addonkit.open(home, environ=environ) as kit:
        await kit.set_config("s3-remote", {"endpoint": "http://127.0.0.1:1"})
        binding = await kit.create("s3-remote", app="shop")

        assert binding.environ()["AWS_ENDPOINT_URL_S3"] == operator["endpoint"]
        await kit.destroy("shop-s3-remote")


def configured(command: CommandLine, operator: dict[str, str]) -> None:
    words = [f"{name}={value}" for name, value in operator.items() if name != "secret_key"]
    done = command("config", "set", "s3-remote", *words, "secret_key=-", input=f"{operator['secret_key']}\n")
    assert done.status == 0, done.err


def test_the_command_line_hides_and_forgets(
    addonkit_command: CommandLine, home: Path, operator: dict[str, str]
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


@pytest.mark.parametrize("point", ["after:create_bucket", "after:remove_objects"])
async def test_killed_on_a_service_without_tags_the_bucket_is_known_again(
    addonkit_command: CommandLine, rclone: dict[str, str], point: str
) -> None:
    configured(addonkit_command, rclone | {"credentials": "static"})
    creating = addonkit_command("create", "s3-remote", "-a", "shop", ADDONKIT_FAULT=f"{point}=kill")
    assert creating.status == (-signal.SIGKILL if "create" in point else 0), creating.err
    if "create" in point:
        assert addonkit_command("retry", "shop-s3-remote").status == 0
    else:
        killed = addonkit_command("destroy", "shop-s3-remote", "--yes", ADDONKIT_FAULT=f"{point}=kill")
        assert killed.status == -signal.SIGKILL, killed.err
    async with client("s3", rclone["endpoint"], ADMIN) as s3:
        assert len((await s3.list_buckets())["Buckets"]) == 1

    gone = addonkit_command("destroy", "shop-s3-remote", "--yes")

    assert gone.status == 0, gone.err
    async with client("s3", rclone["endpoint"], ADMIN) as s3:
        assert (await s3.list_buckets()).get("Buckets", []) == []


async def users(operator: dict[str, str]) -> set[str]:
    async with client("iam", operator["endpoint"], (operator["access_key"], operator["secret_key"])) as iam:
        return {user["UserName"] for user in (await iam.list_users(PathPrefix="/addonkit/"))["Users"]}


@contextlib.asynccontextmanager
async def flapping(url: str, failures: int) -> AsyncIterator[str]:
    """In front of a service: cuts the first connections, then lets all through."""
    host, port = url.removeprefix("http://").split(":")
    left = failures

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            writer.close()
            return
        behind = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pipe(reader, behind[1]), pipe(behind[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_a_network_that_flaps_is_tried_again(s3kit: addonkit.Kit, operator: dict[str, str], admin: Any) -> None:
    before = await names(admin)
    async with flapping(operator["endpoint"], 4) as url:
        await s3kit.set_config("s3-remote", {"endpoint": url})
        await s3kit.create("s3-remote", app="shop")
        assert len(await names(admin) - before) == 1
        await s3kit.destroy("shop-s3-remote")

    assert await names(admin) == before


async def test_what_is_not_s3_is_said_to_be_none(s3kit: addonkit.Kit) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await s3kit.set_config("s3-remote", {"endpoint": url})

    with pytest.raises(addonkit.InstanceFailed, match="does not speak S3"):
        await s3kit.create("s3-remote", app="shop")
    server.close()
