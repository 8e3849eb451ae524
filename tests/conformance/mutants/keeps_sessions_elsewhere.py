"""Uses a service that asks for the password once for each connection, and ends none."""

from typing import ClassVar

from mutants import distant
from mutants.distant import made

CAUGHT_BY = "sessions_end_with_the_login[place]"
SAYS = "a session that was open before goes on after its app was detached"
CLIENT = "mutants.keeps_sessions_elsewhere:Client"


class Client(distant.Client):
    """Runs a service that is worse."""

    options: ClassVar[tuple[str, ...]] = ("--sessions", "4", "--keep-sessions")


ADDON = made()
