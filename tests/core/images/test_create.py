"""When an image is checked: after everything else was found right, before anything is stored, and only for what is new."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

import addonkit
from addonkit import (
    AlreadyExists,
    ImageDenied,
    ImageNotFound,
    InvalidInput,
    InvalidReference,
    RegistryUnreachable,
    UnknownVersion,
)
from addonkit.compute.process.backend import ProcessBackend
from addonkit.models.compute import Pool
from addonkit.models.definition import CONFIG_DIGEST, CONFIG_IMAGE, AddonDefinition
from addonkit.testing.home import left_behind

DIGEST = f"sha256:{'0' * 64}"


class ImageBackend(ProcessBackend):
    """Runs what a container backend would run from an image, from the program that is here."""

    runs_images = True

    def runnable_version(self, definition: AddonDefinition, requested: str) -> str:
        return super().runnable_version(definition, "")


@attrs.define
class Checker:
    """Knows one digest for every image, unless it has an error to raise."""

    error: Exception | None = None
    asked: list[str] = attrs.field(factory=list)

    async def check_image(self, image: str) -> str:
        self.asked.append(image)
        if self.error is not None:
            raise self.error
        return DIGEST


@pytest.fixture
def checker() -> Checker:
    return Checker()


@asynccontextmanager
async def opened(home: Path, checker: Checker) -> AsyncIterator[addonkit.Kit]:
    async with addonkit.open(home, backend=ImageBackend(home), image_checker=checker) as kit:
        yield kit


async def test_the_image_is_checked_and_its_digest_kept(home: Path, checker: Checker) -> None:
    async with opened(home, checker) as kit:
        binding = await kit.create("valkey", app="shop")

        assert checker.asked == ["docker.io/valkey/valkey:9"]
        assert binding.instance.config[CONFIG_DIGEST] == DIGEST
        pool = await kit._store.get(Pool, binding.instance.server)
        assert pool is not None
        assert pool.value.spec.image == f"docker.io/valkey/valkey:9@{DIGEST}", "a tag that moves changes nothing"
        await kit.destroy("shop-valkey")


async def test_a_version_may_be_a_whole_reference(home: Path, checker: Checker) -> None:
    async with opened(home, checker) as kit:
        for version, image in (
            ("9.1", "docker.io/valkey/valkey:9.1"),
            ("registry.example.com:5000/cache", "registry.example.com:5000/cache"),
            (f"quay.io/team/valkey@{DIGEST}", f"quay.io/team/valkey@{DIGEST}"),
        ):
            await kit.plan_create("valkey", app="shop", version=version)
            assert checker.asked[-1] == image


@pytest.mark.parametrize("error", [ImageNotFound, ImageDenied, RegistryUnreachable])
async def test_what_the_registry_says_is_told_and_nothing_is_stored(
    home: Path, checker: Checker, error: type[addonkit.AddonkitError]
) -> None:
    checker.error = error("cannot find image 'x'", "for a reason")
    async with opened(home, checker) as kit:
        with pytest.raises(error, match="for a reason"):
            await kit.create("valkey", app="shop", version="9.1")
        with pytest.raises(error):
            await kit.plan_create("valkey", app="shop", version="9.1")

        assert await kit.instances() == ()
        with pytest.raises(addonkit.UnknownApp):
            await kit.environment("shop")
    assert left_behind(home) == ()


async def test_a_duplicate_is_found_before_the_registry_is_asked(home: Path, checker: Checker) -> None:
    async with opened(home, checker) as kit:
        await kit.create("valkey", app="shop")
        asked = list(checker.asked)

        with pytest.raises(AlreadyExists):
            await kit.create("valkey", app="shop", version="no-such-tag")

        assert checker.asked == asked
        await kit.destroy("shop-valkey")


async def test_an_outage_blocks_nothing_that_is_there(home: Path, checker: Checker) -> None:
    async with opened(home, checker) as kit:
        await kit.create("valkey", app="shop")
    checker.error = RegistryUnreachable("cannot find image 'x'", "it does not answer")
    async with opened(home, checker) as kit:
        await kit.attach("shop-valkey", "blog")
        await kit.heal()
        await kit.promote("shop-valkey", "blog")
        assert (await kit.environment("blog")).as_dict()["VALKEY_URL"]
        await kit.retry("shop-valkey")
        await kit.destroy("shop-valkey")
    assert checker.asked == ["docker.io/valkey/valkey:9"]


async def test_an_unfinished_create_goes_on_without_the_registry(home: Path, checker: Checker) -> None:
    async with opened(home, checker) as kit:
        await kit.create("valkey", app="shop", wait=False)
    checker.error = RegistryUnreachable("cannot find image 'x'", "it does not answer")
    async with opened(home, checker) as kit:
        assert (await kit.create("valkey", app="shop")).joined
        await kit.destroy("shop-valkey")


async def test_programs_are_asked_where_no_images_run(home: Path, checker: Checker) -> None:
    async with addonkit.open(home, image_checker=checker) as kit:
        with pytest.raises(UnknownVersion, match=r"found here: .*9"):
            await kit.create("valkey", app="shop", version="docker.io/valkey/valkey:3.1")
        await kit.create("valkey", app="shop", version="docker.io/valkey/valkey:9")
        assert (await kit.show("shop-valkey")).instance.config[CONFIG_IMAGE] == "docker.io/valkey/valkey:9"
        await kit.destroy("shop-valkey")
    assert checker.asked == []


@pytest.mark.parametrize("version", ["docker.io/valkey/valkey:", "a/UPPER:1", "a/b@sha256:xyz", " 9"])
async def test_a_reference_that_is_none_is_refused(home: Path, checker: Checker, version: str) -> None:
    async with opened(home, checker) as kit:
        with pytest.raises(InvalidReference):
            await kit.create("valkey", app="shop", version=version)
    assert checker.asked == []


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({"ADDONKIT_REGISTRY_MIRRORS": "docker.io=https://m.example"}, {"docker.io": ("https://m.example",)}),
        (
            {"ADDONKIT_REGISTRY_MIRRORS": "a=https://1, a=https://2,b=https://3"},
            {"a": ("https://1", "https://2"), "b": ("https://3",)},
        ),
        ({}, {}),
    ],
)
def test_mirrors_come_from_the_environment(environ: Mapping[str, str], asked: Mapping[str, tuple[str, ...]]) -> None:
    from addonkit.images.settings import checker_from

    assert checker_from(environ).mirrors == asked


async def test_what_the_operator_told_of_mirrors_is_heeded(home: Path, start: Callable[..., Awaitable[Any]]) -> None:
    mirror = await start(known={("valkey/valkey", "9")})
    environ = {"ADDONKIT_REGISTRY_MIRRORS": f"docker.io=http://{mirror.host}", "DOCKER_CONFIG": str(home / "docker")}
    async with addonkit.open(home, environ=environ, backend=ImageBackend(home)) as kit:
        await kit.create("valkey", app="shop", wait=False)

        assert (await kit.show("shop-valkey")).instance.config[CONFIG_DIGEST] == mirror.digest


async def test_a_mirror_that_is_not_understood_stops_only_who_needs_one(home: Path) -> None:
    environ = {"ADDONKIT_REGISTRY_MIRRORS": "nonsense"}
    async with addonkit.open(home, environ=environ, backend=ImageBackend(home)) as kit:
        assert await kit.instances() == ()
        with pytest.raises(InvalidInput, match="'nonsense' is not REGISTRY=URL"):
            await kit.create("valkey", app="shop")
        assert await kit.instances() == ()


def test_registries_without_tls_come_from_the_environment() -> None:
    from addonkit.images.settings import checker_from

    assert checker_from({"ADDONKIT_INSECURE_REGISTRIES": "a:5000, b"}).insecure == ("a:5000", "b")
    with pytest.raises(InvalidInput, match="'nonsense' is not REGISTRY=URL"):
        checker_from({"ADDONKIT_REGISTRY_MIRRORS": "nonsense"})


async def test_a_backend_is_chosen_by_its_name(home: Path) -> None:
    async with addonkit.open(home, environ={"ADDONKIT_BACKEND": "process"}) as kit:
        assert kit.backend.name == "process"
    with pytest.raises(addonkit.NotFound, match='unknown backend "nowhere"'):
        async with addonkit.open(home, environ={"ADDONKIT_BACKEND": "nowhere"}):
            raise AssertionError("it opened")
