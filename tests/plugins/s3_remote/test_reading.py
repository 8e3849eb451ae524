"""Reading: the digest is that of the content."""

from __future__ import annotations

import hashlib
from typing import Any

from addonkit_s3_remote.client import s3
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
