"""Stops a shared server that only arriving instances use."""

import asyncio

from addonkit import Instance, Phase, ProviderFramework, step
from mutants.depot import made, with_steps, without

CAUGHT_BY = "many_come_and_go_at_once[shared]"
SAYS = ""  # who is hit by it, and how, is a matter of time
TURNS = 4  # so is whether an instance is: the check finds it most times


@step(gives="is_last", undo=None)
async def look(framework: ProviderFramework, server_id: str) -> bool:
    """Look who stays."""
    tenants = await framework.servers.tenants(server_id)
    return not any(each.phase is Phase.ACTIVE for each in tenants)


@step(undo=None)
async def stop(framework: ProviderFramework, instance: Instance, server_id: str, is_last: bool) -> None:
    """Stop the server, as soon as one that came meanwhile is ready."""
    if not is_last:
        return
    for _ in range(800):
        if any(each.phase is Phase.ACTIVE for each in await framework.servers.tenants(server_id)):
            break
        await asyncio.sleep(0.01)
    await framework.delete_sandbox_pool(server_id)


GOOD = made()
ADDON = with_steps(GOOD, deprovision=without(GOOD.deprovision, extra=(look, stop)))
