"""Shows every user the names of all."""

from mutants.depot import made, program

CAUGHT_BY = "an_app_sees_no_name_of_another[shared]"
SAYS = "an app sees the DEPOT_USER, DEPOT_NAME of another app"

ADDON = made(program=lambda server: program(server, "--users-for-all"))
