"""Keeps a copy on the disk, and what it cannot do without in the run directory."""

from mutants.depot import made, program

CAUGHT_BY = "data_live_on_the_disk[small]"
SAYS = "data, or the login, are gone with the run directory"

ADDON = made(program=lambda server: program(server, "--in-run", "--copy-on-disk"))
