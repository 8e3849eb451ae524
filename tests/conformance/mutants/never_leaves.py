"""Forgets to leave its server."""

from mutants.depot import made, with_steps, without

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = "its data is there after destroy"

GOOD = made()
ADDON = with_steps(GOOD, deprovision=without(GOOD.sagas.deprovision, "leave_server"))
