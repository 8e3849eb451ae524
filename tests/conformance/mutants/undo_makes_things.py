"""Makes something in the undo of a step."""

from addonkit import Instance, ProviderFramework, step
from mutants.depot import made, with_steps

CAUGHT_BY = "a_step_that_fails_leaves_nothing[small-create]"
SAYS = "-rest"


@step
async def do_something() -> None:
    """Do something."""


@do_something.undo
async def _(framework: ProviderFramework, instance: Instance) -> None:
    await framework.create_disk(f"{instance.id}-rest", 1)


ADDON = with_steps(made(), before=do_something)
