"""Cannot tell how much there is."""

from addonkit import Usage, step
from mutants.distant import made

CAUGHT_BY = "a_plan_does_nothing[place]"
SAYS = "measuring failed"
CLIENT = "mutants.distant:Client"


@step(gives="result", undo=None)
async def count() -> Usage:
    """Count what there is."""
    raise KeyError("size")


ADDON = made(measure=(count,))
