"""Uses a service that looks at eight characters of a password."""

from typing import ClassVar

from mutants import distant
from mutants.distant import made

CAUGHT_BY = "credentials_open_nothing_of_another_app[place]"
SAYS = "a password of which the first eight characters are right"
CLIENT = "mutants.eight_characters_elsewhere:Client"


class Client(distant.Client):
    """Runs a service that is worse."""

    options: ClassVar[tuple[str, ...]] = ("--eight",)


ADDON = made()
