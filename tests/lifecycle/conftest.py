"""What the life-cycle tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

import addonkit
from addonkit.compute.process import scratch
from addonkit.testing.command import CommandLine
from addonkit.testing.conformance.client import find_client
from addonkit.testing.conformance.rig import Rig, rigged
from addonkit.testing.conformance.rig import serving as serving_addon
from addonkit.testing.home import kill_servers
from addonkit.testing.serving import free_port, serving


@pytest.fixture
async def kit(home: Path) -> AsyncIterator[addonkit.Kit]:
    """addonkit, open on an empty home."""
    async with addonkit.open(home) as opened:
        yield opened


@pytest.fixture
def addonkit_command(home: Path) -> CommandLine:
    """The command line, on an empty home."""
    return CommandLine(home)


@pytest.fixture
def small_disk(home: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system with little room, 80 MB unless the test says another size; homes in it end with the test."""
    disk = home / "disk"
    disk.mkdir()
    size = getattr(request, "param", "80m")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", disk], check=False).returncode:
        pytest.skip("needs a machine that lets root mount a tmpfs")
    try:
        yield disk
    finally:
        kill_servers(home)
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture(scope="session")
def service_of() -> Iterator[Callable[[str], Mapping[str, str]]]:
    """Settings of an addon for the service that its client brings."""
    settings: dict[str, Mapping[str, str]] = {}
    with ExitStack() as services:

        def service_of(addon: str) -> Mapping[str, str]:
            if addon not in settings:
                settings[addon] = services.enter_context(serving_addon(find_client(addon)))
            return settings[addon]

        yield service_of


@pytest.fixture
def rig(addon: str, service_of: Callable[[str], Mapping[str, str]]) -> Iterator[Rig]:
    """A world for one addon: a home, its service if it needs one, and an app that uses what it gets."""
    with rigged(addon, find_client(addon), service_of(addon)) as rig:
        yield rig


@pytest.fixture
def rigs(service_of: Callable[[str], Mapping[str, str]]) -> Iterator[Mapping[str, Rig]]:
    """The same for all our addons."""
    with ExitStack() as stack:
        yield {
            addon: stack.enter_context(rigged(addon, find_client(addon), service_of(addon)))
            for addon in ("postgresql", "s3-remote", "valkey")
        }


@pytest.fixture
def operator(service_of: Callable[[str], Mapping[str, str]]) -> Mapping[str, str]:
    """Settings of an S3 operator who may do everything on a service with IAM; no bucket for folders."""
    return {name: value for name, value in service_of("s3-remote").items() if name != "bucket"}


@pytest.fixture
def scratch_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies of folders and RDB files lie while the test imports them, instead of /var/tmp."""
    place = home / "scratch"
    place.mkdir()
    place.chmod(0o1777)
    monkeypatch.setattr(scratch, "PLACE", str(place))
    return place


@pytest.fixture
async def s3kit(kit: addonkit.Kit, operator: Mapping[str, str]) -> addonkit.Kit:
    """addonkit, told about that service."""
    await kit.set_config("s3-remote", operator)
    return kit


@pytest.fixture
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Settings of an S3 service that has no IAM, no tags and no versions; it is empty, and the test's own."""
    port, key = free_port(), ("rclone-admin-key-id", "rclone-admin-secret")
    argv = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    argv += ["--auth-key", ",".join(key), "--config", os.devnull, str(tmp_path_factory.mktemp("buckets"))]
    with serving(argv, port) as address:
        yield {"endpoint": f"http://{address}", "allow_http": "true", "access_key": key[0], "secret_key": key[1]}
