"""Leaves a disk behind when a later step fails."""

from addonkit import Instance, ProviderFramework, step
from mutants.depot import made, with_steps

CAUGHT_BY = "a_step_that_fails_leaves_nothing[small-create]"
SAYS = "-extra"


@step(undo=None)
async def create_extra_disk(framework: ProviderFramework, instance: Instance) -> None:
    """Create another disk."""
    await framework.create_disk(f"{instance.id}-extra", 1)


ADDON = with_steps(made(), before=create_extra_disk)
