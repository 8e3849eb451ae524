"""Leaves the password to everything that this process starts."""

import os

from addonkit import Secret, step
from mutants.depot import made, with_steps

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "the environment of this process shows a secret"


@step(undo=None)
async def do_something(password: Secret) -> None:
    """Do something."""
    os.environ["DEPOT_ADMIN_PASSWORD"] = password.reveal()


ADDON = with_steps(made(), before=do_something)
