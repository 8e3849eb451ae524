"""Remembers which keys were met: SCAN names some twice while a server grows or shrinks its table. Pure."""

from __future__ import annotations

import hashlib
from typing import Final

_SLOT: Final = 12
"""Bytes of a digest; two of a thousand million keys are alike with a probability of one in a thousand million."""

_FREE: Final = bytes(_SLOT)
_FULL: Final = 0.7


class Seen:
    """A set of digests in one block of bytes: a fifth of the memory that a set takes."""

    def __init__(self) -> None:
        self._count = 0
        self._size = 1 << 12
        self._slots = bytearray(self._size * _SLOT)

    def add(self, key: bytes) -> bool:
        """Take a key; False when it was there."""
        if self._count >= self._size * _FULL:
            self._grow()
        return self._put(hashlib.blake2b(key, digest_size=_SLOT).digest())

    def _put(self, digest: bytes) -> bool:
        at = int.from_bytes(digest[:6], "big") % self._size
        while (there := self._slots[at * _SLOT : at * _SLOT + _SLOT]) != _FREE:
            if there == digest:
                return False
            at = (at + 1) % self._size
        self._slots[at * _SLOT : at * _SLOT + _SLOT] = digest
        self._count += 1
        return True

    def _grow(self) -> None:
        before = self._slots
        self._count, self._size = 0, self._size * 2
        self._slots = bytearray(self._size * _SLOT)
        for at in range(0, len(before), _SLOT):
            digest = bytes(before[at : at + _SLOT])
            if digest != _FREE:
                self._put(digest)
