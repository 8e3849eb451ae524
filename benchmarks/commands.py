"""Measures what commands cost, beside the least that Python needs for the same."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench_process import begin
from interleaved import heading, measure, row

from addonkit.testing.home import kill_servers

SETTLED: Final = 16.0
"""Seconds after which `run` and `env` trust a server that was just started; see `cli/read_path.py`."""

READ: Final = """
import json, sqlite3, sys
[json.loads(data) for data, in sqlite3.connect(sys.argv[1]).execute("SELECT data FROM entity")]
"""


def main() -> None:
    """Make an app with three addons, measure by turns, and print the table."""
    begin()
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as folder:
        home = Path(folder, "home")
        Path(folder).chmod(0o711)
        environ = {**os.environ, "ADDONKIT_HOME": str(home)}
        addonkit = str(Path(sys.executable).with_name("addonkit"))

        def run(*argv: str) -> None:
            subprocess.run(argv, check=True, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        try:
            for addon in ("postgresql:small", "valkey:small", "postgresql:shared"):
                run(addonkit, "create", addon, "-a", "shop", "--as", addon.replace(":", "-"))
            time.sleep(SETTLED)
            state = str(home / "state.db")
            seconds = measure(
                {
                    "`python -c pass`": lambda: run(sys.executable, "-c", "pass"),
                    "`import click`": lambda: run(sys.executable, "-c", "import click"),
                    "`python` reads the state": lambda: run(sys.executable, "-c", READ, state),
                    "`--version`": lambda: run(addonkit, "--version"),
                    "`--help`": lambda: run(addonkit, "--help"),
                    "`run -a shop -- true`": lambda: run(addonkit, "run", "-a", "shop", "--", "true"),
                    "`env -a shop`": lambda: run(addonkit, "env", "-a", "shop"),
                    "`list`": lambda: run(addonkit, "list"),
                }
            )
        finally:
            kill_servers(home)
    print(heading())
    print(row("`--version`", "`python -c pass`", seconds, "2"))
    print(row("`--help`", "`import click`", seconds, "1.4"))
    print(row("`run -a shop -- true`", "`python` reads the state", seconds, "4"))
    print(row("`env -a shop`", "`import click`", seconds, "3"))
    print(row("`list`", "`import click`", seconds, "3"))


if __name__ == "__main__":
    main()
