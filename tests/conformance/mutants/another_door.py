"""Opens a port for its own monitoring."""

from mutants.depot import made, program

CAUGHT_BY = "its_server_opens_no_other_door[small]"
SAYS = "its server also listens on TCP port 127.0.0.1:"

ADDON = made(program=lambda server: program(server, "--monitor"))
