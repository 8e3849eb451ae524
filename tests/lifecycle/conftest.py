"""What the life-cycle tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

import addonkit
from addonkit.testing.command import CommandLine
from addonkit.testing.conformance.client import find_client
from addonkit.testing.conformance.rig import Rig, rigged


@pytest.fixture
async def kit(home: Path) -> AsyncIterator[addonkit.Kit]:
    """addonkit, open on an empty home."""
    async with addonkit.open(home) as opened:
        yield opened


@pytest.fixture
def addonkit_command(home: Path) -> CommandLine:
    """The command line, on an empty home."""
    return CommandLine(home)


@pytest.fixture(scope="session")
def service_of() -> Iterator[Callable[[str], Mapping[str, str]]]:
    """Settings of an addon for the service that its client brings; each is started once."""
    settings: dict[str, Mapping[str, str]] = {}
    with ExitStack() as services:

        def service_of(addon: str) -> Mapping[str, str]:
            if addon not in settings:
                settings[addon] = services.enter_context(find_client(addon).service())
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
