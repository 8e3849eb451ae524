"""Reading: the digest is that of the content."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from addonkit_s3_remote.client import s3
from addonkit_s3_remote.faults import Refused
from addonkit_s3_remote.objects import Entry
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.reading import SMALL, contents, entries
from addonkit_s3_remote.service import Service


async def test_a_digest_is_of_what_was_read(service: Service, admin: Any, place: Place) -> None:
    written = {"a": b"one", "b": b"two", "c": b"1" * (SMALL + 1), "d": b"2" * (SMALL + 1)}
    for key, content in written.items():
        admin.put_object(Bucket=place.bucket, Key=key, Body=content)

    async with s3(service, "reading") as client:
        found = {
            each.about.key: (b"".join([chunk async for chunk in each.chunks()]), each.sha256)
            async for each in contents(client, place, entries(client, place))
        }

    assert found == {key: (content, hashlib.sha256(content).hexdigest()) for key, content in written.items()}


async def test_an_object_that_is_removed_is_left_out_and_a_bucket_that_is_removed_ends_it(
    service: Service, admin: Any, place: Place
) -> None:
    """A backup without the objects of a bucket that ended meanwhile would look whole."""
    plain = Place(f"{place.bucket}-plain")
    admin.create_bucket(Bucket=plain.bucket)
    for key in ("a", "b"):
        admin.put_object(Bucket=plain.bucket, Key=key, Body=b"content")

    async with s3(service, "reading") as client:
        listed = [each async for each in entries(client, plain)]
        admin.delete_object(Bucket=plain.bucket, Key="a")
        assert [each.about.key async for each in contents(client, plain, later(listed))] == ["b"]

    admin.delete_object(Bucket=plain.bucket, Key="b")
    admin.delete_bucket(Bucket=plain.bucket)
    with pytest.raises(Refused, match="reading: "):
        async with s3(service, "reading") as client:
            _ = [each async for each in contents(client, plain, later(listed))]


async def later(listed: list[Entry]) -> AsyncIterator[Entry]:
    """What a listing said a moment ago."""
    for each in listed:
        yield each
