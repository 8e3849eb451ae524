"""Draws the terminal of the README from real output: `python scripts/picture.py > docs/terminal.svg`.

Every line of the picture is what the command printed just now. Its home is removed afterwards.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT: Final = Path(__file__).parents[1]
WIDTH: Final = 88
COMMANDS: Final = (
    "addonkit create postgresql:small -a shop",
    "addonkit run -a shop -- python examples/first_table.py",
    "addonkit create valkey:cache -a shop",
    "addonkit list",
    "addonkit destroy valkey -a shop --dry-run",
)


def main() -> None:
    """Run the commands and write the picture to standard output."""
    home = Path(tempfile.mkdtemp(prefix="addonkit-picture-"))
    home.chmod(0o711)
    environment = {**os.environ, "ADDONKIT_HOME": str(home), "COLUMNS": str(WIDTH), "PATH": _path()}
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: PTH123, SIM115
    try:
        for command in COMMANDS:
            _show(console, command, environment)
    finally:
        for instance in ("valkey", "postgresql"):
            subprocess.run(
                [f"{Path(sys.executable).parent}/addonkit", "destroy", instance, "-a", "shop", "--now", "--yes"],
                env=environment,
                capture_output=True,
                check=False,
            )
        shutil.rmtree(home, ignore_errors=True)
    sys.stdout.write(console.export_svg(title="addonkit", theme=MONOKAI, code_format=_without_web_fonts()))


def _without_web_fonts() -> str:
    """Return the frame of rich, with the reader's own fonts: a picture fetches nothing."""
    return re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _show(console: Console, command: str, environment: Mapping[str, str]) -> None:
    console.print(Text.assemble(("$ ", "green"), (command, "bold")))
    console.print(Text(_run(command, environment).rstrip()))


def _run(command: str, environment: Mapping[str, str]) -> str:
    """Return what a person sees of the command.

    Raises:
        SystemExit: the command failed; the picture would show an error.
    """
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
