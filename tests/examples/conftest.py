"""Example distributions, installed beside what is under test rather than into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def command_with(home: Path, installed: Callable[[Path], Path]) -> Callable[[str], CommandLine]:
    """The command line on an empty home, with the example of that name installed."""

    def make(example: str) -> CommandLine:
        return CommandLine(home, {"PYTHONPATH": str(installed(EXAMPLES / example))})

    return make
