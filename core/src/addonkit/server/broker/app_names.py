"""Names of the apps that stand for what platforms know by ids of their own."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Final

_PLAIN: Final = re.compile(r"(?=.{1,100}$)(?![0-9a-f]{40}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)?")
"""Ids, or an id within another one, as most are: none reads like the digest of others."""


def stand_in(kind: str, *ids: str) -> str:
    """Return the name of an app: no two ids of a kind have the same.

    Args:
        kind: of what it stands for: `broker` or `binding`.
        ids: of the service instance; for a binding the id of that within it comes second.
    """
    plain = ".".join(ids)
    if _PLAIN.fullmatch(plain) and plain.count(".") == len(ids) - 1:
        return f"{kind}-{plain}"
    return f"{kind}-{hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:40]}"
