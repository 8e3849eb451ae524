"""Stops a shared server that only arriving instances use."""

import asyncio

from addonkit import Instance, Phase, ProviderFramework, step
from mutants.depot import made, with_steps, without

CAUGHT_BY = "many_come_and_go_at_once[shared]"
SAYS = ""  # who is hit by it, and how, is a matter of time; that one is hit is not

_ARRIVED: list[str] = []
"""Ids of instances, in the order in which they came."""


@step(undo=None)
async def arrive(instance: Instance) -> None:
    """Take note of an instance."""
    _ARRIVED.append(instance.id)


async def active(framework: ProviderFramework, server_id: str) -> set[str]:
    return {each.id for each in await framework.servers.tenants(server_id) if each.phase is Phase.ACTIVE}


@step(gives="is_last", undo=None)
async def look(framework: ProviderFramework, server_id: str) -> bool:
    """Look who stays; the newest one is not counted, also when it is ready already."""
    return not (await active(framework, server_id)).difference(_ARRIVED[-1:])


@step(undo=None)
async def stop(framework: ProviderFramework, server_id: str, is_last: bool) -> None:
    """Stop the server, as soon as one that came meanwhile is ready."""
    if not is_last:
        return
    for _ in range(2000):
        if await active(framework, server_id):
            break
        await asyncio.sleep(0.01)
    await framework.delete_sandbox_pool(server_id)


GOOD = made()
ADDON = with_steps(
    GOOD,
    provision=without(GOOD.sagas.provision, extra=(arrive,)),
    deprovision=without(GOOD.sagas.deprovision, extra=(look, stop)),
)
