"""Runs programs that are to know nothing of the environment the tests run in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from addonkit.testing.command import Ended

FOREIGN = ("ADDONKIT_", "PIP_", "PYTHON", "VIRTUAL_ENV")
"""Beginnings of variables that lead programs elsewhere."""


def run(*argv: object, status: int = 0, where: Path | None = None, **environ: str) -> Ended:
    """Run a program to its end, at most four minutes; it must end with that status."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=where,
        env=kept | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == status, f"{' '.join(map(str, argv))}\n{done.stdout}\n{done.stderr}"
    return Ended(done.returncode, done.stdout, done.stderr)
