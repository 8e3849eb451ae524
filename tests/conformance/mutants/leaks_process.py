"""Starts a program and forgets it."""

import subprocess

from addonkit import step
from mutants.depot import made, with_steps

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = "this is left: process sleep"


@step(undo=None)
async def do_something() -> None:
    """Do something."""
    STARTED.append(subprocess.Popen(["sleep", "9"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


STARTED: list[subprocess.Popen[bytes]] = []
ADDON = with_steps(made(), before=do_something)
