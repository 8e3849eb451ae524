"""What the life-cycle tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import addonkit
from addonkit.testing.command import CommandLine


@pytest.fixture
async def kit(home: Path) -> AsyncIterator[addonkit.Kit]:
    """addonkit, open on an empty home."""
    async with addonkit.open(home) as opened:
        yield opened


@pytest.fixture
def addonkit_command(home: Path) -> CommandLine:
    """The command line, on an empty home."""
    return CommandLine(home)
