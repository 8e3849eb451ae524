"""Sleeps where it should wait."""

import time

from addonkit import step
from mutants.depot import made, with_steps

CAUGHT_BY = "steps_leave_the_loop_free[small]"
SAYS = "a step blocks the event loop: time.sleep at "


@step(undo=None)
async def settle_down() -> None:
    """Settle down."""
    time.sleep(0.01)  # noqa: ASYNC251 - this is what is wrong with it


ADDON = with_steps(made(), before=settle_down)
