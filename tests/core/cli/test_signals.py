"""Ctrl-C at any moment is one line: before the command begins, while it works, three times."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

START = """
import os, signal, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
sys.argv = ["addonkit", "list"]
from addonkit.__main__ import main
main()
"""

WORK = """
import asyncio, os, signal, threading
from addonkit.cli.event_loop import run
async def work():
    os.kill(os.getpid(), {number})
    {pause}
    try:
        await asyncio.sleep(60)
    finally:
        for _ in range({more}):
            os.kill(os.getpid(), {number})
        {end}
def give_up():
    print("given up", flush=True)
    return 130
try:
    run(work(), give_up)
except KeyboardInterrupt:
    print("ended in order")
"""


def python(code, home):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60,
        env={"ADDONKIT_HOME": str(home), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    "module", ["addonkit.cli.main", "click", "addonkit.cli.group", "addonkit.cli.commands.list", "addonkit.kit.kit"]
)
def test_an_interrupt_during_imports_is_one_line(module, home):
    done = python(START.format(module=module), home)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "interrupted: nothing was changed\n"


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("more", "end", "out"),
    [
        (0, "pass", "ended in order\n"),
        (1, "pass", "ended in order\n"),
        (2, "await asyncio.sleep(60)", "given up\n"),
        (2, "import time; time.sleep(60)", "given up\n"),
    ],
)
def test_a_third_signal_leaves_at_once(number, more, end, out, home):
    done = python(WORK.format(number=int(number), pause="pass", more=more, end=end), home)
    assert done.stdout == out
    assert done.returncode == (130 if out == "given up\n" else 0)
    assert done.stderr == ("still ending what was begun; interrupt once more to leave it as it is\n" if more else "")


@pytest.mark.usefixtures("interruptible")
def test_a_first_signal_is_not_lost_while_the_loop_is_busy(home):
    done = python(WORK.format(number=2, pause="import time; time.sleep(0.05)", more=0, end="pass"), home)
    assert (done.stdout, done.stderr) == ("ended in order\n", "")
