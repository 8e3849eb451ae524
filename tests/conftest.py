"""What all tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("addonkit.testing")  # its suites show what they compared

from addonkit.testing.home import temporary_home  # noqa: E402 - after the rewriting is registered

settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home; servers started below it end with the test."""
    with temporary_home() as path:
        yield path


@pytest.fixture(scope="session")
def of_machine() -> Callable[[str], str]:
    """Path of a program that Debian has in a package of the same name.

    On a machine without it the test is skipped, with one line that says how to get it; in CI, which installs it, the test
    fails.
    """

    def of_machine(program: str) -> str:
        found = shutil.which(program)
        if found is None:
            reason = f"{program} is not installed; get it with: apt-get install {program}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        return found

    return of_machine


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
