"""Has another step than its lock file knows, under the same version."""

from addonkit import step
from mutants.depot import made, with_steps

CAUGHT_BY = "shapes_of_sagas_are_locked"
SAYS = "its shape changed and its version is still 1"


@step(undo=None)
async def rest() -> None:
    """Rest."""


ADDON = with_steps(made(), before=rest)
