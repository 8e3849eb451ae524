"""Keeps data under the first sixteen characters of a name."""

from mutants.depot import made, program

CAUGHT_BY = "names_that_look_alike_are_kept_apart[shared]"
SAYS = "where 'sixteen-letters-1' was written"


ADDON = made(program=lambda server: program(server, "--cut"))
