"""Hands the password to a program that lives for a moment."""

import subprocess

from addonkit import Secret, step
from mutants.depot import made, with_steps

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "the command line of a program that it started"


@step(undo=None)
async def do_something(password: Secret) -> None:
    """Do something."""
    subprocess.run(["true", password.reveal()], check=True)  # noqa: ASYNC221 - brief


ADDON = with_steps(made(), before=do_something)
