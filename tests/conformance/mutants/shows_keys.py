"""Shows every user the keys of all."""

from mutants.depot import made, program

CAUGHT_BY = "an_app_sees_nothing_of_another[shared]"
SAYS = "sees the names of what another one keeps"

ADDON = made(program=lambda server: program(server, "--spy"))
