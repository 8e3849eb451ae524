"""Backups of buckets and folders on real services: objects come back with all that is kept about them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import addonkit
from addonkit import BackupError, SagaFailed
from addonkit.engine import failpoints
from addonkit_s3_remote.conformance import of_app, of_operator

ODD = ("a", "a/b", "dir/", "Grüße/ü.txt", "per%cent/%2E", "dots/../x", "spa ce+plus&amp;", "x" * 200)
LARGE = 20 * 1024 * 1024
RCLONE_OPTIONS = {"endpoint": "endpoint", "access-key-id": "access_key", "secret-access-key": "secret_key"}


@pytest.fixture(autouse=True)
def backups_beside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADDONKIT_BACKUPS", str(tmp_path / "backups"))


@pytest.mark.parametrize("variant", ["prefix", pytest.param("bucket", marks=pytest.mark.slow)])
async def test_objects_come_back_with_all_that_is_kept_about_them(
    s3kit: addonkit.Kit, operator: Mapping[str, str], variant: str
) -> None:
    admin = of_operator(operator)
    if variant == "prefix":
        admin.create_bucket(Bucket="backups-shared")
        await s3kit.set_config("s3-remote", {"bucket": "backups-shared"})
    environ = (await s3kit.create(f"s3-remote:{variant}", app="shop")).environ()
    assert (await s3kit.backups.create("shop-s3-remote")).proof is not None
    place = {"Bucket": environ["S3_BUCKET"]}
    prefix = environ.get("S3_PREFIX", "")
    app = of_app(environ)
    for key in ODD:
        app.put_object(**place, Key=prefix + key, Body=key.encode())
    large = os.urandom(LARGE)
    admin.put_object(
        **place, Key=f"{prefix}large", Body=large, ContentType="image/x-odd", CacheControl="no-store",
        ContentDisposition="attachment", Metadata={"owner": "me"}, Tagging="kind=a+b&of=%3D",
    )  # fmt: skip

    backup = await s3kit.backups.create("shop-s3-remote")
    app.delete_object(**place, Key=f"{prefix}a")
    app.put_object(**place, Key=f"{prefix}large", Body=b"")
    await s3kit.backups.restore("shop-s3-remote")

    assert backup.proof is not None
    assert backup.proof.items == len(ODD) + 1
    restored = (await s3kit.environment("shop")).values
    place, before, prefix = {"Bucket": restored["S3_BUCKET"]}, prefix, restored.get("S3_PREFIX", "")
    assert (place["Bucket"], prefix) != (environ["S3_BUCKET"], before)
    app = of_app(restored)
    for key in ODD:
        assert app.get_object(**place, Key=prefix + key)["Body"].read() == key.encode()
    found = admin.get_object(**place, Key=f"{prefix}large")
    assert found["Body"].read() == large
    assert (found["ContentType"], found["CacheControl"], found["Metadata"]) == (
        "image/x-odd", "no-store", {"owner": "me"},
    )  # fmt: skip
    tags = admin.get_object_tagging(**place, Key=f"{prefix}large")["TagSet"]
    assert {each["Key"]: each["Value"] for each in tags} == {"kind": "a b", "of": "="}


async def test_versions_come_back_in_their_order(s3kit: addonkit.Kit, operator: Mapping[str, str]) -> None:
    environ = (await s3kit.create("s3-remote", app="shop")).environ()
    admin, place = of_operator(operator), {"Bucket": environ["S3_BUCKET"]}
    admin.put_bucket_versioning(**place, VersioningConfiguration={"Status": "Enabled"})
    for number in range(3):
        admin.put_object(**place, Key="kept", Body=b"%d" % number)
        admin.put_object(**place, Key="removed", Body=b"%d" % number)
    admin.delete_object(**place, Key="removed")

    backup = await s3kit.backups.create("shop-s3-remote")
    await s3kit.backups.restore("shop-s3-remote")

    assert backup.proof is not None
    assert backup.proof.items == 7
    place = {"Bucket": (await s3kit.environment("shop")).values["S3_BUCKET"]}
    listed = admin.list_object_versions(**place)
    kept = [each["VersionId"] for each in listed["Versions"] if each["Key"] == "kept"]
    contents = [admin.get_object(**place, Key="kept", VersionId=each)["Body"].read() for each in kept]
    assert contents == [b"2", b"1", b"0"]
    assert [each["Key"] for each in listed["DeleteMarkers"] if each["IsLatest"]] == ["removed"]


@pytest.mark.slow
async def test_many_objects_and_a_large_one_on_a_service_that_has_neither_tags_nor_versions(
    kit: addonkit.Kit, rclone: Mapping[str, str]
) -> None:
    await kit.set_config("s3-remote", {**rclone, "credentials": "static", "require_isolation": "false"})
    environ = (await kit.create("s3-remote", app="shop")).environ()
    app: Any = of_app(environ)

    def put(number: int) -> None:
        app.put_object(Bucket=environ["S3_BUCKET"], Key=f"{number % 100}/{number}.txt", Body=b"%d" % number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(2_000)))
    app.put_object(Bucket=environ["S3_BUCKET"], Key="large", Body=bytes(200 * 1024 * 1024))

    backup = await kit.backups.create("shop-s3-remote")

    assert backup.proof is not None
    assert backup.proof.items == 2_001


@pytest.mark.slow
async def test_a_folder_and_a_bucket_of_another_service_come_in(
    s3kit: addonkit.Kit,
    operator: Mapping[str, str],
    rclone: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder, large = tmp_path / "site", os.urandom(LARGE)
    (folder / "css").mkdir(parents=True)
    for name, content in {"index.html": b"<p>", "css/a b.css": b"", "Grüße.txt": b"x", "large.bin": large}.items():
        (folder / name).write_bytes(content)
    run_rclone(rclone, "copy", str(folder), ":s3:origin/site")
    admin = of_operator(operator)
    admin.create_bucket(Bucket="own-origin")
    admin.put_object(Bucket="own-origin", Key="one", Body=b"1", Metadata={"a": "b"})
    await s3kit.create("s3-remote:bucket", app="own")
    await s3kit.moves.import_("own-s3-remote", "s3://own-origin")
    environ = (await s3kit.environment("own")).values
    assert admin.head_object(Bucket=environ["S3_BUCKET"], Key="one")["Metadata"] == {"a": "b"}

    monkeypatch.setenv("AWS_ENDPOINT_URL", rclone["endpoint"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", rclone["access_key"])
    await s3kit.create("s3-remote:bucket", app="bad")
    with pytest.raises(SagaFailed, match="AWS_SECRET_ACCESS_KEY is not set"):
        await s3kit.moves.import_("bad-s3-remote", "s3://origin/site")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", rclone["secret_key"])
    for url, told in (("s3://origin/none", "there is no object"), ("s3://never/", "never")):
        with pytest.raises(SagaFailed, match=told):
            await s3kit.moves.import_("bad-s3-remote", url)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SagaFailed, match="the folder has no file"):
        await s3kit.moves.import_("bad-s3-remote", str(tmp_path / "empty"))
    with pytest.raises(BackupError, match="cannot come from file; it imports folder, s3"):
        await s3kit.moves.import_("bad-s3-remote", str(folder / "index.html"))

    for app, source in (("one", str(folder)), ("two", "s3://origin/site")):
        await s3kit.create("s3-remote:bucket", app=app)
        await s3kit.moves.import_(f"{app}-s3-remote", source)
        place = {"Bucket": (await s3kit.environment(app)).values["S3_BUCKET"]}
        keys = [each["Key"] for each in admin.list_objects_v2(**place)["Contents"]]
        assert sorted(keys) == sorted(("index.html", "css/a b.css", "Grüße.txt", "large.bin"))
        assert admin.get_object(**place, Key="large.bin")["Body"].read() == large
        run_rclone(operator, "check", "--download", str(folder), f":s3:{place['Bucket']}")
        if app == "one":
            assert admin.head_object(**place, Key="index.html")["ContentType"] == "text/html"


def run_rclone(service: Mapping[str, str], *words: str) -> None:
    """Let the tool of others work on a service; it ends with another status than 0 where two places differ."""
    options = [f"--s3-{name}={service[key]}" for name, key in RCLONE_OPTIONS.items()]
    argv = [str(Path(sys.executable).with_name("rclone")), "--config", os.devnull, "--s3-provider=Other", *options]
    done = subprocess.run([*argv, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def _fail() -> None:
    raise BackupError("going on", "the test does not want it")


@pytest.mark.parametrize("side", ["dump", "load"])
async def test_a_copy_ends_when_one_side_fails_before_it_opens_the_archive(s3kit: addonkit.Kit, side: str) -> None:
    environ = (await s3kit.create("s3-remote", app="shop")).environ()
    for key in ("a", "b", "c", "d", "e"):
        of_app(environ).put_object(Bucket=environ["S3_BUCKET"], Key=key, Body=b"more than waits in the pipe")

    with failpoints.at(f"before:{side}", _fail), pytest.raises(SagaFailed, match="the test does not want it"):
        async with asyncio.timeout(30):
            await s3kit.moves.clone("shop-s3-remote", "copy")

    assert [each.instance.name for each in await s3kit.instances()] == ["shop-s3-remote"]
