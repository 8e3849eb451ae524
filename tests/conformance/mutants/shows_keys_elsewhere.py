"""Uses a service that shows every login the keys of all."""

from typing import ClassVar

from mutants import distant
from mutants.distant import made

CAUGHT_BY = "an_app_sees_nothing_of_another[place]"
SAYS = "sees the names of what another one keeps"
CLIENT = "mutants.shows_keys_elsewhere:Client"


class Client(distant.Client):
    """Runs a service that is worse."""

    options: ClassVar[tuple[str, ...]] = ("--spy",)


ADDON = made()
