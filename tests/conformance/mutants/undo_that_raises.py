"""Cannot undo one of its steps."""

from addonkit import step
from mutants.depot import made, with_steps

CAUGHT_BY = "a_step_that_fails_leaves_nothing[small-create]"
SAYS = "blocked-execution"


@step
async def do_something() -> None:
    """Do something."""


@do_something.undo
async def _() -> None:
    raise ValueError("this cannot be undone")


ADDON = with_steps(made(), before=do_something)
