"""Shows every user what others ask for."""

from mutants.depot import made, program

CAUGHT_BY = "an_app_sees_no_statement_of_another[shared]"
SAYS = "an app sees what a session of another app asks for"

ADDON = made(program=lambda server: program(server, "--recent-for-all"))
