"""Divides the data of a dump in custom format among several `pg_restore`: each loads a part of every table's rows.

Data are blocks, each of which belongs to an entry of the table of contents. A block of rows is a sequence of chunks,
each with its length before it; a length of zero ends the block. Each reader gets the same blocks with other rows in
them. Rows are text without NUL bytes and end with a newline. So ends are found without reading every length.
See `_PrintTocData` in PostgreSQL's `pg_backup_custom.c`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

_ROWS: Final = b"\1"
"""Begins a block of rows; another kind of block has large objects."""

_BEGIN: Final = 6
"""Bytes before the chunks of a block: its kind, and the number of its entry."""

_NUMBER: Final = 5
"""Bytes of a number, of which the first is its sign."""

_LAST: Final = b"\n" + bytes(_NUMBER)
"""The end of a row and a length of zero: the end of a block. No length that is followed by text looks like that."""

_NEXT: Final = b"\n\0"
"""The end of a row and the sign of a length; or the middle of a length, which a NUL precedes then."""

Piece = tuple[int, bytes]
"""The number of a reader, and what it gets."""

_Range = tuple[int, int, int]
"""The number of a reader, and from where to where its piece is."""


class Divider:
    """Takes the data of a dump as they come. It holds some bytes of them, in which an end may begin.

    Args:
        readers: among how many rows are divided. The first one also gets large objects.
    """

    def __init__(self, readers: int) -> None:
        self._readers = range(readers)
        self._turn = 0
        self._left = b""
        self._is_in_block = False
        self._is_rest = False

    def divide(self, chunk: bytes) -> Iterator[Piece]:
        """Yield what readers get of the next bytes."""
        content, place = self._left + chunk if self._left else chunk, 0
        view = memoryview(content)  # no bytes are copied
        while place < len(content):
            take = self._take_rows if self._is_in_block else self._take_begin
            taken, pieces = (len(content), [(0, place, len(content))]) if self._is_rest else take(content, place)
            for reader, begin, end in pieces:
                if begin < end:
                    yield reader, cast("bytes", view[begin:end])  # it is written to a pipe, where a view is as good
            if taken == place and not self._is_rest:
                break
            place = taken
        self._left = content[place:]

    def end(self) -> Iterator[Piece]:
        """Yield what is left after the last bytes, as of a dump that is cut."""
        if self._left:
            yield self._turn, self._left

    def _take_begin(self, content: bytes, place: int) -> tuple[int, list[_Range]]:
        """Take the beginning of a block, and its end as well when it has no rows."""
        if not content.startswith(_ROWS, place):
            self._is_rest = True
            return place, []
        end = place + _BEGIN + _NUMBER
        if len(content) < end:
            return place, []
        if content.startswith(_LAST[1:], place + _BEGIN):
            return end, self._to_all(place, end)
        self._is_in_block = True
        return place + _BEGIN, self._to_all(place, place + _BEGIN)

    def _take_rows(self, content: bytes, place: int) -> tuple[int, list[_Range]]:
        """Take the rest of a block, or all that can be taken of it; another reader gets what follows a row."""
        turn = self._turn
        if content.rfind(_LAST, place) >= 0:  # backwards it is three times as quick, and ends are rare
            end = content.find(_LAST, place)
            self._is_in_block = False
            self._turn = (turn + 1) % len(self._readers)
            after = end + len(_LAST)
            return after, [(turn, place, end + 1), *self._to_all(end + 1, after)]
        row = _row_end(content, place)
        if row is not None:
            self._turn = (turn + 1) % len(self._readers)
            return row, [(turn, place, row)]
        most = max(place, len(content) - _NUMBER)
        return most, [(turn, place, most)]

    def _to_all(self, begin: int, end: int) -> list[_Range]:
        return [(each, begin, end) for each in self._readers]


def _row_end(content: bytes, place: int) -> int | None:
    """Return the end of the last row that another chunk with text follows for certain; None when there is none."""
    last = len(content) - _NUMBER + 1
    while True:
        found = content.rfind(_NEXT, place + _NUMBER, last)
        if found < 0:
            return None
        if b"\0" not in content[found - _NUMBER : found]:
            return found + 1
        last = found + 1
