"""Uses a service that lets in every password."""

from typing import ClassVar

from mutants import distant
from mutants.distant import made

CAUGHT_BY = "credentials_open_nothing_of_another_app[place]"
SAYS = "an app reads another's data"
CLIENT = "mutants.password_not_checked_elsewhere:Client"


class Client(distant.Client):
    """Runs a service that is worse."""

    options: ClassVar[tuple[str, ...]] = ("--any-password",)


ADDON = made()
