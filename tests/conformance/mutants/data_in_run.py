"""Keeps its data in the run directory."""

from mutants.depot import made, program

CAUGHT_BY = "data_live_on_the_disk[small]"
SAYS = "its disk is empty after an app wrote something"

ADDON = made(program=lambda server: program(server, "--in-run"))
