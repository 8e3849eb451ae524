"""Writes what it keeps to a second place, which stays."""

from mutants.depot import made, program

CAUGHT_BY = "nothing_is_written_elsewhere[small]"
SAYS = "its server writes /tmp/depot-litter-"

ADDON = made(program=lambda server: program(server, "--copy-elsewhere"))
