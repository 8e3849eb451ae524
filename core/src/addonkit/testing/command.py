"""The real command line, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import attrs

from addonkit.compute.process.templates import SETTING as TEMPLATES
from addonkit.testing import prefork

_OURS: Final = (sys.executable, "-P", "-m", "addonkit")
_LIMIT: Final = 60.0
"""Seconds that a command may take."""


@attrs.frozen
class Ended:
    """The end of a command."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Return what it printed with `--json`."""
        return json.loads(self.out)


@attrs.frozen
class CommandLine:
    """`addonkit` on one home.

    Attributes:
        home: see ADDONKIT_HOME.
        environ: further variables of its environment.
        program: how it is called: the one of this Python, or of another environment.
    """

    home: Path
    environ: dict[str, str] = attrs.field(factory=dict)
    program: tuple[str, ...] = _OURS

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of the command: this process's without settings of addonkit, and what is asked for.

        Nothing goes to the trash, as tests destroy much and want nothing of it back.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ADDONKIT_")}
        shared = {TEMPLATES: os.environ[TEMPLATES]} if TEMPLATES in os.environ else {}
        return kept | shared | {"ADDONKIT_HOME": str(self.home), "ADDONKIT_TRASH": "0"} | self.environ | more

    def __call__(self, *words: str, input: str | None = None, **environ: str) -> Ended:
        """Run a command to its end; at most a minute."""
        given = self.environment(**environ)
        if self.program == _OURS and prefork.can_run(given):
            return Ended(*prefork.run(words, given, input or "", _LIMIT))
        ended = subprocess.run(  # noqa: S603 - our own command
            [*self.program, *words],
            env=given,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command without waiting for it; the caller waits later."""
        return subprocess.Popen(  # noqa: S603 - our own command
            [*self.program, *words],
            env=self.environment(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
