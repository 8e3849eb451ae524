"""Logins that a credential helper keeps, where Docker's configuration file names one.

A helper is a program `docker-credential-NAME` on PATH. Called with `get`, it reads a registry's address from stdin. It
answers with `Username` and `Secret` as JSON; a status other than 0 says that it has none.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Final

from addonkit.images.endpoints import DOCKER_HUB

LIMIT: Final = 10.0
"""Seconds that a helper may take: one that asks its user something is not waited for."""

TOKEN_USER: Final = "<token>"  # noqa: S105 - the word that a helper puts in the place of a name
"""User name by which a helper says that its secret is an identity token."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HUB_ADDRESS: Final = "https://index.docker.io/v1/"


def ask_helper(name: str, registry: str) -> tuple[str, str] | None:
    """Return user name and secret for a registry (`host[:port]`, as `canonical_registry` writes it). Blocking.

    None when there is no such program, or it has none to give: images that need no login are had all the same.
    """
    program = shutil.which(f"docker-credential-{name}") if _NAME.fullmatch(name) else None
    if program is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - the program that the user's own configuration names
            [program, "get"],
            input=_HUB_ADDRESS if registry == DOCKER_HUB else registry,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return _read(answer.stdout) if answer.returncode == 0 else None


def _read(text: str) -> tuple[str, str] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    user, secret = said.get("Username"), said.get("Secret")
    return (user, secret) if isinstance(user, str) and isinstance(secret, str) and secret else None
