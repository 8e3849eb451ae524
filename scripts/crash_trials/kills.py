"""Runs a command and kills it, with all that it started itself."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from addonkit.testing.command import CommandLine


def run_and_kill(command: CommandLine, words: tuple[str, ...], seconds: float) -> bool:
    """Kill a command and its process group after so many seconds; whether it had not ended before.

    Servers have sessions of their own and go on.
    """
    process = subprocess.Popen(
        [*command.program, *words],
        env=command.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False
