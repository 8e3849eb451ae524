"""Skips, in the place of running the service that it needs."""

from contextlib import contextmanager

import pytest

from mutants import distant
from mutants.distant import made

CAUGHT_BY = "an_app_can_use_what_it_gets[place]"
SAYS = "the service that the addon needs does not run"
CLIENT = "mutants.skips_its_service:Client"


class Client(distant.Client):
    @contextmanager
    def service(self):
        pytest.skip("there is no such service here")
        yield {}


ADDON = made()
