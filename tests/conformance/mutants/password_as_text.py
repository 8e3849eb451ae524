"""Hands a password from step to step as plain text."""

from addonkit import Secret, step
from mutants.depot import made, with_steps

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "what is stored shows a secret"


@step(gives="noted", undo=None)
async def note_password(password: Secret) -> str:
    """Take note of the password."""
    return f"it is {password.reveal()}"


ADDON = with_steps(made(), before=note_password)
