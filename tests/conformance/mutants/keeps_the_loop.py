"""Computes for a while, and nothing else can go on."""

import time

from addonkit import step
from mutants.depot import made, with_steps

CAUGHT_BY = "steps_leave_the_loop_free[small]"
SAYS = "s and more at "


@step(undo=None)
async def compute() -> None:
    """Compute."""
    ending = time.thread_time() + 1.6
    while time.thread_time() < ending:
        pass


ADDON = with_steps(made(), before=compute)
