"""Checking an image: what a registry says, and what it says by misbehaving."""

from __future__ import annotations

import hashlib
import json

import attrs
import pytest

from addonkit.errors import ImageDenied, ImageNotFound, InvalidInput, InvalidReference, RegistryUnreachable, Retryable
from addonkit.images.retries import Limits

GONE = "127.0.0.1:1"
"""No process listens on the first port."""


async def test_an_image_is_answered_with_its_digest_after_one_head(start, checker):
    registry = await start()
    assert await checker.check_image(registry.image) == registry.digest
    (asked,) = registry.asked
    assert (asked.method, asked.path, asked.authorization) == ("HEAD", "/v2/team/app/manifests/1", "")
    assert set(asked.accept.split(", ")) == {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }


async def test_an_image_without_a_tag_is_the_latest(start, checker):
    registry = await start(known={("team/app", "latest")})
    assert await checker.check_image(f"{registry.host}/team/app") == registry.digest


async def test_an_image_with_a_digest_is_asked_by_it(start, checker):
    registry = await start()
    assert await checker.check_image(f"{registry.image}@{registry.digest}") == registry.digest
    assert registry.asked[0].path.endswith(registry.digest)


async def test_a_registry_that_answers_with_another_digest_is_not_believed(start, checker):
    other = f"sha256:{'0' * 64}"
    registry = await start(known={("team/app", other)})
    with pytest.raises(RegistryUnreachable, match="another digest"):
        await checker.check_image(f"{registry.image}@{other}")


async def test_a_digest_of_another_algorithm_is_compared_with_the_body(start, checker):
    registry = await start(states_digest=False)
    digest = f"sha512:{hashlib.sha512(registry.body).hexdigest()}"
    registry.known.add(("team/app", digest))
    assert await checker.check_image(f"{registry.host}/team/app@{digest}") == digest


@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_where_head_is_refused_get_answers(start, checker, status):
    registry = await start(head_status=status)
    assert await checker.check_image(registry.image) == registry.digest
    assert registry.methods == ["HEAD", "GET"]


async def test_a_registry_that_states_no_digest_has_the_digest_of_its_body(start, checker):
    registry = await start(states_digest=False)
    assert await checker.check_image(registry.image) == registry.digest
    assert registry.methods == ["HEAD", "GET"]


@pytest.mark.parametrize("body", [b"", b"<html>Please log in to this network</html>", b"[]", b"{}", b"[" * 100_000])
async def test_an_answer_that_is_no_manifest_is_not_an_image(start, checker, body):
    registry = await start(states_digest=False, body=body)
    with pytest.raises(RegistryUnreachable, match="not a manifest"):
        await checker.check_image(registry.image)


async def test_an_endless_manifest_is_not_read_to_its_end(start, checker):
    body = json.dumps({"schemaVersion": 2, "padding": "x" * (4 * 1024 * 1024)}).encode()
    registry = await start(states_digest=False, body=body)
    with pytest.raises(RegistryUnreachable, match="more than 4 MiB"):
        await checker.check_image(registry.image)


@pytest.mark.parametrize("name", ["team/app:2", "team/other:1"])
async def test_an_image_that_is_not_there_is_not_found(start, checker, name):
    registry = await start()
    with pytest.raises(ImageNotFound) as caught:
        await checker.check_image(f"{registry.host}/{name}")
    assert str(caught.value) == (
        f"cannot find image '{registry.host}/{name}': {registry.host} has no such image; check its name and tag"
    )
    assert caught.value.details == {"image": f"{registry.host}/{name}", "registry": registry.host}


async def test_what_is_no_reference_is_not_asked_for(checker):
    with pytest.raises(InvalidReference):
        await checker.check_image("not an image")


@pytest.mark.parametrize("digest", ["sha256:abc", f"sha256:{'A' * 64}", f"sha512:{'a' * 64}"])
async def test_a_digest_that_can_be_none_is_not_asked_for(start, checker, digest):
    registry = await start()
    with pytest.raises(InvalidReference, match="small hexadecimal digits"):
        await checker.check_image(f"{registry.host}/team/app@{digest}")
    assert registry.asked == []


async def test_a_registry_that_forbids_denies(start, checker):
    registry = await start(troubles=[("/v2/", 403, {})] * 2)
    with pytest.raises(ImageDenied, match="does not let us see it"):
        await checker.check_image(registry.image)


async def test_nobody_there_is_said_at_once_and_may_pass(checker, clock):
    with pytest.raises(RegistryUnreachable, match="cannot be reached: connection refused") as caught:
        await checker.check_image(f"{GONE}/team/app:1")
    assert isinstance(caught.value, Retryable)
    assert clock.slept == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_fault_that_passes_is_waited_for(start, checker, clock, status):
    registry = await start(troubles=[("/v2/", status, {})] * 3)
    assert await checker.check_image(registry.image) == registry.digest
    assert clock.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("value", ["7", "Tue, 01 Jan 2030 00:00:07 GMT"])
async def test_a_registry_says_when_to_come_back(start, checker, clock, value):
    registry = await start(troubles=[("/v2/", 429, {"Retry-After": value})])
    assert await checker.check_image(registry.image) == registry.digest
    assert clock.slept == [7.0]


async def test_a_wait_beyond_the_time_limit_is_not_begun(start, checker, clock):
    registry = await start(troubles=[("/v2/", 429, {"Retry-After": "3600"})])
    with pytest.raises(RegistryUnreachable, match="HTTP status 429 and asks to wait 3600 s"):
        await checker.check_image(registry.image)
    assert clock.slept == []


async def test_a_fault_that_stays_is_told_after_five_attempts(start, checker):
    registry = await start(troubles=[("/v2/", 500, {})] * 9)
    with pytest.raises(RegistryUnreachable, match="answers with HTTP status 500"):
        await checker.check_image(registry.image)
    assert registry.methods == ["HEAD"] * 5


async def test_a_registry_that_never_answers_is_given_up(start, checker):
    registry = await start(hangs=True)
    with pytest.raises(RegistryUnreachable, match=r"does not answer within 0\.05 s"):
        await attrs.evolve(checker, limits=Limits(total=0.05)).check_image(registry.image)


async def test_a_connection_that_breaks_off_is_tried_again(start_raw, checker, clock):
    host = await start_raw(lambda reader: reader.read(1))
    with pytest.raises(RegistryUnreachable, match="breaks the connection off"):
        await checker.check_image(f"{host}/team/app:1")
    assert clock.slept == [0.5, 1.0, 2.0, 4.0]


async def test_a_mirror_is_asked_first(start, checker):
    registry, mirror = await start(), await start()
    checker = attrs.evolve(checker, mirrors={registry.host: [f"http://{mirror.host}/"]})
    assert await checker.check_image(registry.image) == mirror.digest
    assert (len(mirror.asked), len(registry.asked)) == (1, 0)


@pytest.mark.parametrize(
    "behaviour", [{"known": set()}, {"login": "basic"}, {"troubles": [("/v2/", 500, {})]}, {"hangs": True}]
)
async def test_a_mirror_that_has_no_answer_is_skipped_without_waiting(start, checker, clock, behaviour):
    registry, mirror = await start(), await start(**behaviour)
    mirrors = {registry.host: [f"http://{GONE}", f"http://{mirror.host}"]}
    checker = attrs.evolve(checker, mirrors=mirrors, limits=Limits(total=30, mirror=0.2))
    assert await checker.check_image(registry.image) == registry.digest
    assert mirror.asked
    assert clock.slept == []


async def test_the_registry_itself_has_the_last_word(start, checker):
    registry = await start(known=set())
    checker = attrs.evolve(checker, mirrors={registry.host: [f"http://{GONE}"]})
    with pytest.raises(ImageNotFound, match=registry.host):
        await checker.check_image(registry.image)


async def test_docker_hub_is_asked_for_official_images_under_library(start, checker):
    mirror = await start(known={("library/postgres", "16")})
    checker = attrs.evolve(checker, mirrors={"docker.io": [f"http://{mirror.host}"]})
    assert await checker.check_image("postgres:16") == mirror.digest


async def test_a_mirror_that_is_no_url_is_told(checker):
    with pytest.raises(InvalidInput, match="cannot use mirror 'mirror.example.com'"):
        await attrs.evolve(checker, mirrors={"docker.io": ["mirror.example.com"]}).check_image("postgres")
