"""Lets each app list the users of the server, on a server of its own too."""

from mutants.depot import made, program

CAUGHT_BY = "an_app_may_do_what_it_should_and_no_more[small]"
SAYS = "an app is allowed what it should be refused: list users"

ADDON = made(program=lambda server: program(server, "--users-for-all"))
