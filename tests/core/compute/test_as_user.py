"""All of this room also for a normal user, when it is root who runs the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import addonkit

ROOM = Path(__file__).parent


def reachable_python() -> str | None:
    """A Python of this version that everybody can run; root's own may lie below /root."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.geteuid() != 0, reason="the whole room runs as a normal user already")
def test_everything_here_works_for_a_normal_user(home: Path) -> None:
    python = reachable_python()
    if python is None:
        pytest.skip("needs a Python that a normal user can run, beside root's: apt-get install python3")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    path = os.pathsep.join([str(Path(addonkit.__file__).parents[1]), str(home / "room/machine"), *packages])
    own = ("__pycache__", "test_as_user.py", "test_ports.py", "test_package_copies.py")
    shutil.copytree(ROOM, home / "room/tests", ignore=shutil.ignore_patterns(*own))
    shutil.copy(ROOM.parents[1] / "conftest.py", home / "room/conftest.py")
    shutil.copytree(ROOM.parents[1] / "machine", home / "room/machine", ignore=shutil.ignore_patterns("__pycache__"))
    plugins = [
        "-p",
        "pytest_asyncio.plugin",
        "-p",
        "no:cacheprovider",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    ]
    options = ["--import-mode=importlib", "-o", "asyncio_mode=auto", *plugins, "-q"]

    ended = subprocess.run(
        [python, "-B", "-m", "pytest", *options, f"--rootdir={home}/room", str(home / "room/tests")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=home / "room",
        user="nobody",
        group="nogroup",
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-1000:]
    assert " passed" in ended.stdout
