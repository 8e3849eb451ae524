"""Divides rows of dumps that are made up: each row arrives once, whatever lengths look like, wherever cuts are."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from addonkit_postgresql.dividing import Divider

ROW = st.builds(
    lambda length, filler: filler * length + b"\n",
    st.sampled_from([0, 1, 2, 3, 4, 5, 9, 10, 11, 255, 256, 2559, 2560, 2569, 2570, 2571, 20_000]),
    st.sampled_from([b"a", b"\t", b"\\", b"\xff"]),
)
"""Lengths of which a byte is a newline or NUL are among them."""

BLOCKS = st.lists(st.lists(ROW, max_size=12), min_size=1, max_size=4)


def number(value: int) -> bytes:
    return b"\0" + value.to_bytes(4, "little")


def block(id: int, rows: Sequence[bytes]) -> bytes:
    return b"\1" + number(id) + b"".join(number(len(row)) + row for row in rows) + number(0)


def rows_of(content: bytes) -> dict[int, list[bytes]]:
    """What a reader finds in its blocks."""
    found: dict[int, list[bytes]] = {}
    place = 0

    def take(count: int) -> bytes:
        nonlocal place
        place += count
        return content[place - count : place]

    while place < len(content):
        assert take(2) == b"\1\0"
        rows = found[int.from_bytes(take(4), "little")] = []
        while length := int.from_bytes(take(5)[1:], "little"):
            rows.append(take(length))
    return found


@settings(max_examples=150, deadline=None)
@given(blocks=BLOCKS, readers=st.integers(1, 3), cut=st.sampled_from([1, 2, 3, 7, 100, 5000]), objects=st.booleans())
def test_each_row_goes_to_one_reader_and_each_block_to_all(
    blocks: list[list[bytes]], readers: int, cut: int, objects: bool
) -> None:
    large_objects = b"\3" + number(99) + number(1) + number(3) + b"\n\0\0" + number(0) * 2 if objects else b""
    content = b"".join(block(id, rows) for id, rows in enumerate(blocks)) + large_objects
    divider, got = Divider(readers), [b""] * readers
    for place in range(0, len(content), cut):
        for reader, piece in divider.divide(content[place : place + cut]):
            got[reader] += bytes(piece)
    for reader, piece in divider.end():
        got[reader] += piece

    assert got[0].endswith(large_objects)
    found = [rows_of(each.removesuffix(large_objects) if objects else each) for each in got]
    for id, rows in enumerate(blocks):
        assert sorted(row for each in found for row in each[id]) == sorted(rows)


def test_rows_are_divided_evenly() -> None:
    content = block(1, [b"%d\n" % number for number in range(100_000)])
    divider, sizes = Divider(2), [0, 0]
    for place in range(0, len(content), 1000):
        for reader, piece in divider.divide(content[place : place + 1000]):
            sizes[reader] += len(piece)
    assert min(sizes) > 0.45 * sum(sizes)
