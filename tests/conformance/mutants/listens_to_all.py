"""Serves every machine that can reach this one."""

from mutants.depot import made, program

CAUGHT_BY = "its_server_serves_this_machine_alone[small]"
SAYS = "it listens on 0.0.0.0"

ADDON = made(program=lambda server: program(server, "--to-all"))
