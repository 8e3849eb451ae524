"""Says that its administrator's password can be made anew, and keeps the one that its first start has written."""

import attrs

from addonkit import File, Program, Server, admin_password
from mutants.depot import made, program

CAUGHT_BY = "a_lost_password_of_the_administrator_is_made_anew[small]"
SAYS = "the administrator's password cannot be made anew"


def stubborn(server: Server) -> Program:
    plain = program(server)
    argv = tuple("{disk}/password" if word == "{run}/password" else word for word in plain.argv)
    files = (plain.files[0], File("{disk}/password", admin_password(server), once=True))
    return attrs.evolve(plain, argv=argv, files=files)


ADDON = made(program=stubborn, reset_admin=stubborn)
