"""The guest book's own tests pass, and leave nothing."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

GUESTBOOK = Path(__file__).parents[2] / "examples" / "guestbook"

LOOK = """

@pytest.fixture(autouse=True)
def _note(database, request):
    with open(request.config.rootpath / "urls", "a") as file:
        file.write(database.url + "\\n")
"""


@pytest.mark.parametrize(
    "options", [pytest.param((), id="one process"), pytest.param(("-n", "2"), id="two workers", marks=pytest.mark.slow)]
)
def test_its_own_tests_pass(tmp_path: Path, options: tuple[str, ...]) -> None:
    project = shutil.copytree(GUESTBOOK, tmp_path / "guestbook", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    with (project / "test_guestbook.py").open("a") as file:
        file.write(LOOK)
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("ADDONKIT_", "PYTEST_"))}

    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    done = subprocess.run(argv, cwd=project, env=environ, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"= 7 passed in ", done.stdout)
    urls = (project / "urls").read_text().split()
    assert len(set(urls)) == 7
    (port,) = {int(re.search(r":(\d+)/", url)[1]) for url in urls}
    assert not answers(port)


def answers(port: int) -> bool:

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
