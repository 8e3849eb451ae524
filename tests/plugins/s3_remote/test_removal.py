"""Removal: all that is in a place goes, and nothing else, on services that know less as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from addonkit import AddonkitError, Instance
from addonkit_s3_remote import removal, sagas
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.service import service_of

UNKNOWN = "<Error><Code>NotImplemented</Code><Message>Not known.</Message></Error>"


async def one_at_a_time(request: web.Request) -> web.Response | None:
    """Be a service that removes one object in a request."""
    if request.method == "POST" and "delete" in request.query:
        return web.Response(status=501, text=UNKNOWN, content_type="application/xml")
    return None


async def any_number(request: web.Request) -> web.Response | None:
    """Be one that removes many."""
    del request
    return None


@pytest.mark.parametrize("judge", [one_at_a_time, any_number])
async def test_a_folder_is_emptied_and_the_rest_stays(between: Any, admin: Any, place: Place, judge: Any) -> None:
    said: list[str] = []
    for key in ("mine/a", "mine/b", "theirs/c"):
        admin.put_object(Bucket=place.bucket, Key=key, Body=b"x")
        admin.create_multipart_upload(Bucket=place.bucket, Key=key)
    admin.delete_object(Bucket=place.bucket, Key="mine/a")
    folder = Place(place.bucket, "mine/")

    async with between(judge) as told:
        assert await removal.abort_uploads(service_of(told), folder, said.append) == 2
        assert await removal.remove_all(service_of(told), folder, said.append) == 3

    assert said == ["2 unfinished uploads ended", "3 objects removed"]
    listed = admin.list_object_versions(Bucket=place.bucket)
    assert [each["Key"] for each in listed["Versions"]] == ["theirs/c"]
    assert "DeleteMarkers" not in listed
    assert [each["Key"] for each in admin.list_multipart_uploads(Bucket=place.bucket)["Uploads"]] == ["theirs/c"]


async def test_a_folder_that_is_on_another_service_is_not_taken_for_an_empty_one(
    local: Mapping[str, str], admin: Any, place: Place
) -> None:
    attributes = {"bucket": place.bucket, "prefix": "mine/", "marked": False, "endpoint": "https://s3.example.org"}
    instance = Instance("id", "shop-s3-remote", "s3-remote", "shop", "prefix", attributes=attributes)

    with pytest.raises(AddonkitError, match=r"it was made on https://s3\.example\.org"):
        await sagas.check_ownership.run(local, instance)
    admin.put_object(Bucket=place.bucket, Key="mine/a", Body=b"x")

    assert await sagas.check_ownership.run(local, instance) == sagas.Doomed(
        place.bucket, "mine/", whole=False, begun_on=local["endpoint"]
    )
