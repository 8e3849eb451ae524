"""Lets an app in wherever its name matches, in which `_` is any character."""

from mutants.depot import made, program

CAUGHT_BY = "names_that_look_alike_are_kept_apart[shared]"
SAYS = "app my_app reads the data of app myxapp"

ADDON = made(program=lambda server: program(server, "--pattern"))
