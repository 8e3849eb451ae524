"""Gives statements of a dump that name the former owner's role to the new one, while the dump passes by.

`pg_restore --no-owner` leaves out who owns an object, and keeps rights, policies and user mappings. They name roles,
and each place has an owner of its own. In PostgreSQL's custom format all statements are in the table of contents, which
comes first; rows follow, and pass untouched. The layout is that of versions 1.12 to 1.16, which PostgreSQL 9.0 to 18
write: see `ReadHead` and `ReadToc` in its `pg_backup_archiver.c`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

import attrs

_MAGIC: Final = b"PGDMP"
_FIRST, _LAST = (1, 12), (1, 16)
_WITH_ACCESS_METHOD: Final = (1, 14)
_WITH_ALGORITHM: Final = (1, 15)
_WITH_KIND: Final = (1, 16)
_CUSTOM: Final = 1
_DATE: Final = 7
"""Numbers that say when the dump was made."""

_NUMBER: Final = 4
"""Bytes of a number, which a byte with its sign precedes."""

_ROWS: Final = "TABLE DATA"
_OBJECTS: Final = "BLOBS"
"""Kinds of entries that have data."""

_OBJECT_NAMES: Final = "BLOB METADATA"
_BEFORE_DATA: Final = 2
"""Kind of entries that make large objects since version 17, among the data; and the section before the data."""

_NO_DATA: Final = b"\3"
"""In the place of an entry's data: it has none."""

_BEFORE_ROLES: Final = {
    "ACL": frozenset({"TO", "FROM"}),
    "DEFAULT ACL": frozenset({"TO", "FROM", "FOR ROLE"}),
    "POLICY": frozenset({"TO"}),
    "USER MAPPING": frozenset({"FOR"}),
}
"""Kinds of entries that name roles, and the reserved words which a list of roles follows."""

_TOKEN: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_][\w$]*|\s+|.""", re.DOTALL)


class Short(Exception):
    """The bytes end before the table of contents does."""


@attrs.frozen
class Head:
    """The table of contents of a dump in custom format.

    Attributes:
        content: what `pg_restore` reads of it; statements name the new owner.
        rows_only: the same for one that loads no large objects.
        size: bytes that it had.
        is_divisible: whether rows are written as they are, and large objects come after all of them.
    """

    content: bytes
    rows_only: bytes
    size: int
    is_divisible: bool


async def with_owner(content: AsyncIterator[bytes], owner: str) -> AsyncIterator[bytes]:
    """Yield a dump in custom format whose statements name this role where they named the former owner.

    Role and database have one name, and the dump names its database. What is no such dump passes as it is.
    """
    begin = b""
    async for chunk in content:
        begin += chunk
        try:
            head = read_head(begin, owner)
        except Short:
            continue
        yield head.content + begin[head.size :] if head else begin
        break
    else:
        yield begin
    async for chunk in content:
        yield chunk


def read_head(content: bytes, owner: str) -> Head | None:
    """Return the table of contents that a dump begins with, with that role in the place of the former owner.

    None for what is no dump in custom format that is known here.

    Raises:
        Short: more of it is needed.
    """
    return _Contents(content).read(owner)


def renamed(statements: str, kind: str, former: str, owner: str) -> str:
    """Return statements in which a role has its new name. Names of anything else stay.

    Args:
        statements: of one entry.
        kind: of the entry, as `POLICY`.
        former: name of the role.
        owner: its new name.
    """
    names = {former, _quoted(former)}
    written, before, expected, in_list = [], "", False, False
    rest = _TOKEN.findall(statements)
    while rest and not (rest[0] == "(" and kind == "POLICY"):  # its expressions name tables and columns
        word = rest.pop(0)
        written.append(_quoted(owner) if expected and word in names else word)
        if word.isspace():
            continue
        begins = not {word.upper(), f"{before} {word}".upper()}.isdisjoint(_BEFORE_ROLES[kind])
        continues = in_list and word == ","
        expected, in_list, before = begins or continues, expected or continues, word
    return "".join([*written, *rest])


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


class _Contents:
    """The beginning of a dump, read from the front; what is read is kept as it is to be written."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0
        self._written: list[bytes] = []
        self._size = 4
        self._kinds: list[str] = []
        self._objects: dict[int, bytes] = {}

    def read(self, owner: str) -> Head | None:
        """See read_head."""
        if not _MAGIC.startswith(self._content[: len(_MAGIC)]):
            return None
        self._bytes(len(_MAGIC))
        major, minor, _, self._size, offset, kind = self._bytes(6)
        version = (major, minor)
        if kind != _CUSTOM or not _FIRST <= version <= _LAST:
            return None
        compression = self._bytes(1 if version >= _WITH_ALGORITHM else 1 + self._size)
        for _ in range(_DATE):
            self._number()
        former = self._text() or ""
        self._text(), self._text()  # versions of the server and of the program
        for _ in range(self._number()):
            self._entry(version, offset, former, owner)
        others = list(self._written)
        for place, changed in self._objects.items():
            others[place] = changed
        is_divisible = not any(compression) and self._size == _NUMBER and self._has_rows_first()
        return Head(b"".join(self._written), b"".join(others), self._place, is_divisible)

    def _has_rows_first(self) -> bool:
        """Return whether large objects come after all rows."""
        first = self._kinds.index(_OBJECTS) if _OBJECTS in self._kinds else len(self._kinds)
        return _ROWS not in self._kinds[first:]

    def _entry(self, version: tuple[int, int], offset: int, former: str, owner: str) -> None:
        self._number(), self._number()
        self._text(), self._text(), self._text()  # its catalog, its number there, its name
        kind = self._text() or ""
        self._kinds.append(kind)
        if kind == _OBJECT_NAMES:
            self._objects[len(self._written)] = b"\0" + _BEFORE_DATA.to_bytes(self._size, "little")
        self._number()
        self._statements(kind, former, owner)
        texts = 5 if version >= _WITH_ACCESS_METHOD else 4  # to drop it, to copy it, schema, tablespace, access method
        for _ in range(texts):
            self._text()
        if version >= _WITH_KIND:
            self._number()
        self._text(), self._text()  # its owner, whether it has OIDs
        while self._text() is not None:  # what it depends on
            pass
        if kind == _OBJECTS:
            self._objects[len(self._written)] = _NO_DATA + bytes(offset)
        self._bytes(1 + offset)

    def _statements(self, kind: str, former: str, owner: str) -> None:
        statements = self._text()
        if kind not in _BEFORE_ROLES or not statements:
            return
        del self._written[-2:]
        content = renamed(statements, kind, former, owner).encode("latin-1")
        self._written += [b"\0" + len(content).to_bytes(self._size, "little"), content]

    def _bytes(self, count: int) -> bytes:
        end = self._place + count
        if end > len(self._content):
            raise Short
        found = self._content[self._place : end]
        self._written.append(found)
        self._place = end
        return found

    def _number(self) -> int:
        sign, *parts = self._bytes(1 + self._size)
        return int.from_bytes(bytes(parts), "little") * (-1 if sign else 1)

    def _text(self) -> str | None:
        """Return every byte as one character, whatever the dump's encoding: names of roles that apps own are ASCII."""
        length = self._number()
        return None if length < 0 else self._bytes(length).decode("latin-1")
