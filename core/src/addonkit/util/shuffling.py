"""Many numbers in random order, of which a few are used."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

_FEW: Final = 32


def shuffled(numbers: Sequence[int]) -> Iterator[int]:
    """Yield all numbers in random order; the first ones without the cost of shuffling the rest."""
    first = random.sample(numbers, min(_FEW, len(numbers)))
    yield from first
    yielded = set(first)
    rest = [number for number in numbers if number not in yielded]
    random.shuffle(rest)
    yield from rest
