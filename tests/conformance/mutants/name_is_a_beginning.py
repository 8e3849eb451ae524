"""Lets an app in wherever a name begins with its own."""

from mutants.depot import made, program

CAUGHT_BY = "names_that_look_alike_are_kept_apart[shared]"
SAYS = "reads the data of app my"

ADDON = made(program=lambda server: program(server, "--beginning"))
