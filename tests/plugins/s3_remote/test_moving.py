"""Moving objects: into an archive, out of one, from a folder or another bucket; begun again, nothing of before stays."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from addonkit import DataDiffer, Fingerprint, Instance, Secret
from addonkit.archive.foreign import Foreign
from addonkit.archive.pipe import Pipe
from addonkit.models.backup import ArchiveManifest
from addonkit_s3_remote import moving
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.reading import SMALL

MANIFEST = ArchiveManifest("name", datetime.now(UTC), "shop-s3-remote", "instance", "shop", "s3-remote", "bucket")
LARGE = os.urandom(SMALL + 1)
FILES = {"a.txt": b"1", "b/c.txt": b"", "large": LARGE, "z": b"22"}


def instance_in(place: Place) -> Instance:
    attributes = {"bucket": place.bucket, "prefix": place.prefix}
    return Instance("instance", "shop-s3-remote", "s3-remote", "shop", "bucket", attributes=attributes)


def silent(_text: str) -> None:
    """Tell none what is done."""


def parts(found: Fingerprint) -> dict[str, int]:
    return {each.name: each.count for each in found.parts}


@pytest.fixture
def target(admin: Any) -> Place:
    """A bucket that keeps no versions yet."""
    bucket = f"target-{time.time_ns()}"
    admin.create_bucket(Bucket=bucket)
    return Place(bucket)


def keys(admin: Any, place: Place) -> list[str]:
    return [each["Key"] for each in admin.list_objects_v2(Bucket=place.bucket).get("Contents", ())]


async def copied(settings: Mapping[str, str], source: Place, target: Place) -> Fingerprint:
    pipe = Pipe(MANIFEST)
    written: Fingerprint
    written, _ = await asyncio.gather(
        moving.dump.run(settings, instance_in(source), pipe, silent),
        moving.load.run(settings, instance_in(target), pipe, silent),
    )
    return written


async def test_a_load_that_is_begun_again_leaves_what_the_archive_has_and_nothing_else(
    local: Mapping[str, str], admin: Any, place: Place, target: Place
) -> None:
    at, there = {"Bucket": place.bucket}, {"Bucket": target.bucket}
    for number in range(3):
        admin.put_object(**at, Key="kept", Body=b"%d" % number, Metadata={"number": f"{number}"})
    admin.put_object(**at, Key="removed", Body=b"x")
    admin.delete_object(**at, Key="removed")
    admin.put_object(**at, Key="large", Body=LARGE, Tagging="kind=a")

    admin.put_object(**there, Key="of-before", Body=b"x")
    admin.create_multipart_upload(**there, Key="large")
    written = await copied(local, place, target)

    assert parts(written) == {"objects": 2, "older versions": 3, "removed objects": 1}
    for each in (place, target):
        assert await moving.take_fingerprint.run(local, instance_in(each)) == written
    assert keys(admin, target) == ["kept", "large"]
    assert "Uploads" not in admin.list_multipart_uploads(**there)
    found = [each for each in admin.list_object_versions(**there)["Versions"] if each["Key"] == "kept"]
    numbers = [
        admin.get_object(**there, Key="kept", VersionId=each["VersionId"])["Metadata"]["number"] for each in found
    ]
    assert numbers == ["2", "1", "0"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with small files and a large one."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def origin(admin: Any) -> str:
    """The URL of a folder of a bucket that has the same."""
    bucket = f"origin-{time.time_ns()}"
    admin.create_bucket(Bucket=bucket)
    for name, content in FILES.items():
        admin.put_object(Bucket=bucket, Key=f"of/site/{name}", Body=content)
    admin.put_object(Bucket=bucket, Key="of/another", Body=b"x")
    return f"s3://{bucket}/of/site/"


@pytest.fixture(params=["folder", "s3"])
def source(request: pytest.FixtureRequest) -> Path | Secret:
    """Where objects come from that no archive holds."""
    return request.getfixturevalue("folder") if request.param == "folder" else Secret(request.getfixturevalue("origin"))


async def slowly(request: web.Request) -> None:
    """Let objects arrive late."""
    if request.method == "PUT":
        await asyncio.sleep(0.3)


async def test_what_comes_from_elsewhere_is_all_there_at_the_end(
    between: Any, admin: Any, target: Place, source: Path | Secret
) -> None:
    async with between(slowly) as told:
        await moving.load.run(told, instance_in(target), Foreign(source, MANIFEST), silent)

    assert keys(admin, target) == sorted(FILES)
    for key, content in FILES.items():
        assert admin.get_object(Bucket=target.bucket, Key=key)["Body"].read() == content


async def test_an_object_that_does_not_arrive_as_it_was_is_told_of(
    between: Any, admin: Any, target: Place, source: Path | Secret
) -> None:
    """A service may say that it has an object, and have none or another."""
    for other, told_of in ((b"", "3 objects instead of 4"), (b"3", "as many objects, but another content")):

        async def lie(request: web.Request, other: bytes = other) -> web.Response | None:
            if request.method != "PUT" or request.path != f"/{target.bucket}/a.txt":
                return None
            if other:
                await asyncio.to_thread(admin.put_object, Bucket=target.bucket, Key="a.txt", Body=other)
            return web.Response()

        async with between(lie) as told:
            with pytest.raises(DataDiffer, match=told_of):
                await moving.load.run(told, instance_in(target), Foreign(source, MANIFEST), silent)
