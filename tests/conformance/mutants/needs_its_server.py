"""Cannot be removed while its server is dead."""

from addonkit import ProviderFramework, Retry, ServerAccess, step
from mutants.depot import Users, made, with_steps, without

CAUGHT_BY = "a_dead_server_can_be_destroyed[small]"
SAYS = "ask the server first"


@step(undo=None, retry=Retry(attempts=1))
async def say_goodbye(framework: ProviderFramework, server_id: str) -> None:
    """Ask the server first."""
    server = await framework.servers.get(server_id)
    address = await framework.get_service_address(server_id)
    await Users().list_claims(ServerAccess(server, address.host, address.port))


GOOD = made()
ADDON = with_steps(GOOD, deprovision=without(GOOD.sagas.deprovision, extra=(say_goodbye,)))
