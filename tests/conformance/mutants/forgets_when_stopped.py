"""Writes nothing but rubbish when it is asked to stop."""

from mutants.depot import made, program

CAUGHT_BY = "a_graceful_stop_loses_nothing[small]"
SAYS = "written right before a stop"

ADDON = made(program=lambda server: program(server, "--forget-when-asked-to-stop"))
