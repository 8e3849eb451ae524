"""Every secret that came up in a run of the kit, so that nothing the kit says shows one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from typing import Final

from addonkit.engine.failure import scrub, secrets_in
from addonkit.models.secret import Secret

SHORTEST: Final = 16
"""Characters of the shortest text that is looked for: less is no secret, and found by accident."""

_seen: set[str] = set()


def remember(texts: Iterable[str]) -> None:
    """Take note of clear texts."""
    _seen.update(text for text in texts if text)


def is_seen(text: str) -> bool:
    """Return whether it is one of them."""
    return text in _seen


def shown_in(text: str, besides: Iterable[str] = ()) -> bool:
    """Return whether a text shows one of them, or of some others: as it is, as part of a URL, or in base64."""
    return any(form in text for secret in {*_seen, *besides} for form in _forms(secret))


@cache
def _forms(secret: str) -> frozenset[str]:
    """Return how a secret may be written; none of one that is too short."""
    if len(secret) < SHORTEST:
        return frozenset()
    return secrets_in(Secret(secret)) | {_in_base64(secret.encode(), offset) for offset in range(3)}


def _in_base64(secret: bytes, offset: int) -> str:
    """Return what is the same wherever the secret begins at that offset, without characters that neighbours change."""
    text = b64encode(b" " * offset + secret).decode().rstrip("=")
    # 8 bits of each byte, 6 of each character (RFC 4648, section 4).
    return text[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6]


def without_secrets(text: str) -> str:
    """Return the text with every one of them hidden, also as part of a URL."""
    return scrub(text, _seen.union(*map(_forms, _seen)))
