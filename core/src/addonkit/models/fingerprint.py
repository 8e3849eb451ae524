"""Fingerprints tell whether two places hold the same data: part by part, a count and a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from addonkit.util.values import frozen

_MODULUS: Final = 1 << 256

_MOST_NAMED: Final = 5
"""Differences that a sentence names; further ones are counted."""


@frozen
class Part:
    """One part of an instance's data: a table, a group of keys, a folder of objects.

    Attributes:
        name: as users know it, such as `table public.orders`.
        count: of its items.
        digest: of its content; the order of the items has no say in it. Empty means that it changes while others work,
            whatever is read from it, as a sequence does: it has to be there, and its content is not compared.
        unit: what `count` counts, in the plural.
        until: from then on the part is not compared, and need not be there: its items expire by themselves.
    """

    name: str
    count: int
    digest: str
    unit: str = "items"
    until: datetime | None = None


@frozen
class Fingerprint:
    """The content of an instance at one moment. Equal fingerprints mean equal data.

    It is journaled: an addon with very many items names groups of them, not each one.

    Attributes:
        parts: their names are unique; the order has no meaning.
    """

    parts: tuple[Part, ...] = ()

    @property
    def count(self) -> int:
        """Items of all parts together."""
        return sum(part.count for part in self.parts)

    def differences(self, found: Fingerprint, now: datetime | None = None) -> tuple[str, ...]:
        """Return what only one of two places has, a sentence each; none when they are equal.

        Args:
            found: the fingerprint of the other place.
            now: the time after both were taken; without it parts are compared whose items may have expired.
        """
        return tuple(self._differences({part.name: part for part in found.parts}, now))

    def _differences(self, found: dict[str, Part], now: datetime | None) -> Iterator[str]:
        for part in sorted(self.parts, key=lambda each: each.name):
            other = found.pop(part.name, None)
            if now is not None and part.until is not None and part.until <= now:
                continue
            if other is None:
                yield f"{part.name} is missing"
            elif not (part.digest and other.digest):
                continue
            elif other.count != part.count:
                yield f"{part.name}: {other.count:,} {part.unit} instead of {part.count:,}"
            elif other.digest != part.digest:
                yield f"{part.name}: as many {part.unit}, but another content"
        for name, part in sorted(found.items()):
            if now is None or part.until is None or part.until > now:
                yield f"{name} is not in the original"


def describe_differences(differences: tuple[str, ...]) -> str:
    """Return the first differences in one line, and how many more there are."""
    more = len(differences) - _MOST_NAMED
    text = "; ".join(differences[:_MOST_NAMED])
    return f"{text}; and {more:,} more" if more > 0 else text


class SetDigest:
    """Counts items and digests them so that their order has no say: for the parts of a Fingerprint."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, item: bytes) -> None:
        """Take one item: everything of it that must come back, such as a key with its value."""
        self.count += 1
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(item).digest(), "big")) % _MODULUS

    def part(self, name: str, unit: str = "items") -> Part:
        """Return the part that these items are."""
        return Part(name, self.count, f"{self._sum:064x}", unit)
