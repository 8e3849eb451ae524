"""The two checksums of PostgreSQL's files: CRC-32C, and that of data pages (storage/checksum_impl.h). Pure."""

from __future__ import annotations

import struct
from typing import Final

_POLYNOMIAL: Final = 0x82F63B78
"""Of Castagnoli, reversed."""

_PRIME: Final = 16777619
_WORD: Final = 0xFFFFFFFF
_BASES: Final = (
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
)  # fmt: skip
_CHECKSUM_AT: Final = 8


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of some hundred bytes."""
    crc = _WORD
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ _WORD


def page_checksum(page: bytes, number: int) -> int:
    """Return the checksum of a page of data; what its own field holds has no part in it.

    Args:
        page: all of its bytes.
        number: of the page in its file.
    """
    blank = page[:_CHECKSUM_AT] + bytes(2) + page[_CHECKSUM_AT + 2 :]
    words = struct.unpack(f"={len(blank) // 4}I", blank)
    result = number
    for lane, base in enumerate(_BASES):
        total = base
        for word in (*words[lane :: len(_BASES)], 0, 0):
            mixed = total ^ word
            total = mixed * _PRIME & _WORD ^ mixed >> 17
        result ^= total
    return result % 65535 + 1


def _entry(index: int) -> int:
    for _ in range(8):
        index = index >> 1 ^ (_POLYNOMIAL if index & 1 else 0)
    return index


_TABLE: Final = tuple(map(_entry, range(256)))
