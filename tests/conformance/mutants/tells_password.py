"""Tells the administrator's password while it works."""

from collections.abc import Callable

from addonkit import ProviderFramework, admin_password, step
from mutants.depot import made, with_steps

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "an event shows a secret"


@step(undo=None)
async def do_something(framework: ProviderFramework, server_id: str, progress: Callable[[str], None]) -> None:
    """Do something."""
    server = await framework.servers.get(server_id)
    assert server is not None
    progress(f"the password is {admin_password(server).reveal()}")


ADDON = with_steps(made(), before=do_something)
