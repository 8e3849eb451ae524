"""Uses a service in which every login writes everywhere."""

from typing import ClassVar

from mutants import distant
from mutants.distant import made

CAUGHT_BY = "credentials_open_nothing_of_another_app[place]"
SAYS = "an app overwrites another's data"
CLIENT = "mutants.anyone_may_write_elsewhere:Client"


class Client(distant.Client):
    """Runs a service that is worse."""

    options: ClassVar[tuple[str, ...]] = ("--open-to-write",)


ADDON = made()
