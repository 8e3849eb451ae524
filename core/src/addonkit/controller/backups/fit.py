"""Tells whether data fit into a variant, as far as its config says how much it holds. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from addonkit.models.sizes import describe_size

_LIMITS: Final = ("storage", "maxmemory")
"""Keys of a variant's config that say how much its instances hold."""

_SIZE: Final = re.compile(r"\s*(\d+)\s*([kmgt]?)i?b?\s*", re.ASCII | re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def refusal(variant: str, config: Mapping[str, str], size: int) -> str:
    """Return why so many bytes cannot be in a variant; empty when nothing says that they cannot."""
    for name in _LIMITS:
        most = _bytes(config.get(name, ""))
        if most is not None and size > most:
            return f"it holds {describe_size(size)}, and {variant} has {describe_size(most)} ({name})"
    return ""


def _bytes(text: str) -> int | None:
    match = _SIZE.fullmatch(text)
    return int(match[1]) * 1024 ** _POWERS[match[2].lower()] if match else None
