"""Writes the password into its log."""

import logging

from addonkit import Secret, step
from mutants.depot import made, with_steps

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "what it logs or prints"


@step(undo=None)
async def do_something(password: Secret) -> None:
    """Do something."""
    logging.getLogger(__name__).debug("the password is %s", password.reveal())


ADDON = with_steps(made(), before=do_something)
