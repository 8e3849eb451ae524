"""Ends what a run of the kit, or of tests, leaves behind when it is killed: `python -m ...reaper FOLDER PID`.

The homes of all checks and tests of a process are below one folder. The reaper stays in the background until the folder
is gone, or the process has ended. On SIGTERM the kit cleans up by itself, as it does on Ctrl-C.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from addonkit.compute.process.templates import SETTING as TEMPLATES
from addonkit.testing.conformance.leftovers import SESSION, kill_marked, unmarked
from addonkit.testing.fixtures.reaper import let_go, start_of
from addonkit.testing.home import MEMORY, kill_servers

_LOOK_EVERY: Final = 0.2
_MOST_TRIES: Final = 100


@cache
def folder_for_homes() -> Path:
    """Return the folder below which this process makes homes; it and all that works there ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="addonkit-kit-", dir=MEMORY))
    folder.chmod(0o711)
    os.environ[SESSION] = folder.name
    command = [sys.executable, "-P", "-m", __name__, str(folder), str(os.getpid())]
    with unmarked():  # a check ends all that it has started, and this outlives it
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    atexit.register(_remove, folder, os.getpid())
    interrupt_on_sigterm()
    return folder


def shared_templates() -> Mapping[str, str]:
    """Return the setting by which homes of all checks share prepared disks, those of commands included."""
    if TEMPLATES not in os.environ:
        folder = folder_for_homes() / "templates"
        folder.mkdir(mode=0o711)
        os.environ[TEMPLATES] = str(folder)
    return {TEMPLATES: os.environ[TEMPLATES]}


def interrupt_on_sigterm() -> None:
    """Let SIGTERM end this process as Ctrl-C does, unless it has a handler of its own."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> None:
    """Do what Ctrl-C does, also where a shell that put this process into the background lets it ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _remove(folder: Path, pid: int) -> None:
    if pid == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Stand by in a detached child."""
    folder, pid = Path(sys.argv[1]), int(sys.argv[2])
    began = start_of(pid)
    if os.fork():
        return
    os.environ.pop(SESSION, None)
    os.setsid()
    let_go()
    while folder.exists():
        if not began or start_of(pid) != began:
            break
        time.sleep(_LOOK_EVERY)
    clean_up(folder)


def clean_up(folder: Path) -> None:
    """End what works in a folder, and remove it; again while something is left."""
    for _ in range(_MOST_TRIES):  # a check that has not noticed the end yet may begin another home
        if not folder.exists():
            return
        with suppress(OSError):  # a home may vanish while it is looked at
            _end(folder)
        time.sleep(_LOOK_EVERY)


def _end(folder: Path) -> None:
    for home in folder.iterdir():
        kill_servers(home)
    kill_marked(SESSION, folder.name)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
