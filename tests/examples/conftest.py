"""Example distributions, installed beside what is under test rather than into it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Builds a project's wheel and installs it into a folder of its own, which is the answer."""
    folders: dict[Path, Path] = {}

    def install(project: Path) -> Path:
        if project not in folders:
            folder = tmp_path_factory.mktemp(project.name)
            options = ["--quiet", "--offline", "--no-deps", "--no-build-isolation", "--target", str(folder)]
            uv = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
            subprocess.run([*uv, *options, str(project)], check=True)
            folders[project] = folder
        return folders[project]

    return install


@pytest.fixture
def command_with(home: Path, installed: Callable[[Path], Path]) -> Callable[[str], CommandLine]:
    """The command line on an empty home, with the example of that name installed."""

    def make(example: str) -> CommandLine:
        return CommandLine(home, {"PYTHONPATH": str(installed(EXAMPLES / example))})

    return make
