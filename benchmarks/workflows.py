"""The same five-step workflow as a saga and in DBOS on SQLite, by turns, on the same disk.

Both commit each step durably (`synchronous = FULL`). DBOS is installed into an environment of its own below the
temporary directory; `DBOS_PYTHON` names an interpreter that has it already. Without either nothing is measured.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench_process import begin
from engine import EXECUTIONS, sagas
from interleaved import heading, row

TURNS: Final = 3


def dbos_python(folder: Path) -> str:
    """Return an interpreter that has DBOS; empty when there is none and it cannot be installed."""
    given = os.environ.get("DBOS_PYTHON")
    if given:
        return given
    uv = [sys.executable, "-m", "uv"]
    python = str(folder / "dbos" / "bin" / "python")
    made = subprocess.run([*uv, "venv", "--quiet", str(folder / "dbos")], check=False).returncode
    if made or subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, "dbos"], check=False).returncode:
        return ""
    return python


def dbos(python: str, folder: Path, at_once: int, turn: int) -> float:
    """Return seconds that one step takes in DBOS."""
    script = Path(__file__).with_name("dbos_workflow.py")
    argv = [python, str(script), str(folder / f"dbos-{at_once}-{turn}.db"), str(EXECUTIONS), str(at_once)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=folder)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure by turns and print the table; a ratio of 0.1 is ten times as many steps a second."""
    begin()
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as name:
        folder = Path(name)
        python = dbos_python(folder)
        if not python:
            print("DBOS is not installed and cannot be installed here: nothing was measured")
            return
        seconds: dict[str, list[float]] = {}
        for turn in range(TURNS):
            for at_once in (1, 16):
                seconds.setdefault(f"a step, {at_once} at once", []).append(asyncio.run(sagas(folder, at_once, turn)))
                seconds.setdefault(f"DBOS, {at_once} at once", []).append(dbos(python, folder, at_once, turn))
    print(heading())
    for at_once in (1, 16):
        print(row(f"a step, {at_once} at once", f"DBOS, {at_once} at once", seconds, "0.1"))


if __name__ == "__main__":
    main()
