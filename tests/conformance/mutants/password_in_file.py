"""Leaves the password in a file that everybody reads."""

import atexit
import os
import tempfile
from pathlib import Path

from addonkit import Secret, step
from mutants.depot import made, with_steps

CAUGHT_BY = "secrets_are_seen_nowhere[small]"
SAYS = "shows a secret"


@step(undo=None)
async def do_something(password: Secret) -> None:
    """Do something."""
    path = Path(tempfile.gettempdir()) / f"depot-litter-{os.getpid()}"
    path.write_text(password.reveal())
    path.chmod(0o644)
    atexit.register(path.unlink, missing_ok=True)


ADDON = with_steps(made(), before=do_something)
