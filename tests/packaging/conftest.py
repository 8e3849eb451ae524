"""Wheels, and a fresh environment for each test."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from wheelhouse.building import PROJECTS, Wheels
from wheelhouse.environment import Environment
from wheelhouse.processes import run


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    """Wheels that all workers of the session share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "wheelhouse"
    folder.mkdir(exist_ok=True)
    return Wheels(folder)


@pytest.fixture(scope="session")
def installer(wheels: Wheels) -> tuple[str, ...]:
    """The pip of the environment that runs the tests; where it has none, as one made by uv, one of its own."""
    if find_spec("pip") is not None:
        return (sys.executable, "-m", "pip")
    with wheels.once("pip") as (folder, is_new):
        if is_new:
            run(sys.executable, "-m", "venv", folder)
    return (str(folder / "bin" / "python"), "-m", "pip")


@pytest.fixture
def environment(tmp_path: Path, installer: tuple[str, ...], wheels: Wheels, home: Path) -> Environment:
    """A virtual environment with nothing in it, an index with what is in this checkout, and an empty home."""
    made = Environment.create(tmp_path / "environment", installer, home)
    made.publish(*(wheels.of(name) for name in PROJECTS))
    return made
