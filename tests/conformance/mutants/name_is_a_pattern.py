"""Lets an app in wherever its name matches, in which `_` is any character."""

from mutants.depot import made, program

CAUGHT_BY = "names_that_look_alike_are_kept_apart[shared]"
SAYS = " reads the data of app myxapp"
"""Of which app is chance: my-app and my_app both want the claim `my_app`, and the other one gets a suffix."""

ADDON = made(program=lambda server: program(server, "--pattern"))
