"""Makes another server for every instance of the shared variant."""

from addonkit import Instance, ProviderFramework, Secret, Tenancy, step
from mutants.depot import made, with_steps, without

CAUGHT_BY = "many_come_and_go_at_once[shared]"
SAYS = "they live on 7 servers"


@step
async def join_server(framework: ProviderFramework, instance: Instance) -> Tenancy:
    """Take a new server."""
    attributes = {"admin_password": Secret.generate()}
    return await framework.servers.join(instance, key=f"shared:{instance.id}", claim="app", attributes=attributes)


GOOD = made()
join_server.undo(GOOD.sagas.provision.steps[0].undo_function)
ADDON = with_steps(GOOD, provision=without(GOOD.sagas.provision, "join_server", extra=(join_server,)))
