"""Uses a service that takes the name of a login for a pattern, in which `_` is any character."""

from typing import ClassVar

from mutants import distant, named

CAUGHT_BY = "names_that_look_alike_are_kept_apart[place]"
SAYS = "reads the data of app myxapp"
CLIENT = "mutants.name_is_a_pattern_elsewhere:Client"


class Client(distant.Client):
    """Runs a service that is worse."""

    options: ClassVar[tuple[str, ...]] = ("--pattern",)


ADDON = named.made(lambda instance: instance.app)
