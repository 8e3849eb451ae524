"""Uses a service that shows every login what all ask for."""

from typing import ClassVar

from mutants import distant
from mutants.distant import made

CAUGHT_BY = "an_app_sees_no_statement_of_another[place]"
SAYS = "an app sees what a session of another app asks for"
CLIENT = "mutants.shows_requests_elsewhere:Client"


class Client(distant.Client):
    """Runs a service that is worse."""

    options: ClassVar[tuple[str, ...]] = ("--recent-for-all",)


ADDON = made()
