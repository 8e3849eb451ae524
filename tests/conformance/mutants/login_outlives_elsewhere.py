"""Leaves the login of its first app at a service elsewhere; its client does not list logins."""

from collections.abc import Collection, Mapping
from typing import Any

from addonkit import Association, Instance, step
from mutants import distant
from mutants.distant import made, manage

CAUGHT_BY = "a_login_ends_with_its_instance[place]"
SAYS = "the service lets the old credentials in after its instance was destroyed"
CLIENT = "mutants.login_outlives_elsewhere:Client"


class Client(distant.Client):
    """Does not look at logins."""

    def left_behind(self, settings: Mapping[str, str]) -> Collection[str]:
        return [name for name in super().left_behind(settings) if "+" not in name]


@step(undo=None)
async def delete_login(settings: Mapping[str, Any], login: str, association: Association, instance: Instance) -> None:
    """Delete the login of an app that was attached."""
    if association.app != instance.app:
        await manage(settings, "DELETE", login)


ADDON = made(unbind=(delete_login,))
