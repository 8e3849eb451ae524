"""Opens a UDP port to be found by others."""

from mutants.depot import made, program

CAUGHT_BY = "its_server_opens_no_other_door[small]"
SAYS = "its server also listens on UDP port 127.0.0.1:"

ADDON = made(program=lambda server: program(server, "--discover"))
