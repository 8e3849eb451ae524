"""Runs a command and kills it, with all that it started itself. Gives homes of trials what they can share."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from addonkit.compute.process.templates import SETTING
from addonkit.testing.command import CommandLine
from addonkit.testing.home import MEMORY


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


@contextmanager
def shared_templates() -> Iterator[None]:
    """Let new homes share templates of disks while the block lasts: making one takes longer than a trial."""
    if SETTING in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="addonkit-templates-", dir=MEMORY) as directory:
        Path(directory).chmod(0o711)
        os.environ[SETTING] = directory
        try:
            yield
        finally:
            del os.environ[SETTING]
