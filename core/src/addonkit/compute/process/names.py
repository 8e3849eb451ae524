"""Names that become directories."""

from __future__ import annotations

import re
from typing import Final

from addonkit.errors import InvalidName

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def check_name(name: str) -> str:
    """Return the name itself when it can be the name of a pool or disk, and so of a directory.

    Raises:
        InvalidName: otherwise; nothing leads out of the home.
    """
    if _NAME.fullmatch(name):
        return name
    raise InvalidName(
        f"cannot use {name!r} as the name of a pool or disk",
        "a name has up to 128 letters, digits, '.', '_' and '-', and starts with a letter or digit",
    )
