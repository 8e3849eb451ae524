"""Reads plain SQL as `pg_dump` writes it, and leaves out what is of the origin alone: owners, rights, psql's commands.

It knows a statement from a quoted text. Rows of `COPY` pass as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final, Protocol

from addonkit import BackupError

_BEGIN: Final = b"-- PostgreSQL database dump"
_END: Final = b"-- PostgreSQL database dump complete"

_QUOTE: Final = re.compile(rb"--|/\*|\b[eE]'|'|\"|\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$")
_CLOSING: Final = {b"'": re.compile(rb"'"), b'"': re.compile(rb'"'), b"/*": re.compile(rb"\*/")}
_ESCAPED: Final = re.compile(rb"\\.|'", re.DOTALL)
_NAME: Final = rb'(?:"(?:[^"]|"")*"|[^\s"(.]+)'
_COPY: Final = re.compile(rb"COPY (?:(" + _NAME + rb"\." + _NAME + rb")(?: \(|\s)|).* FROM stdin;\s*\Z", re.DOTALL)
_WORDS: Final = rb'(?:[^;\'"]|"(?:[^"]|"")*")*'
_OF_ORIGIN: Final = re.compile(
    rb"(?:ALTER %b OWNER TO %b|(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) %b|SET SESSION AUTHORIZATION [^;]*"
    rb"|SET default_tablespace = [^;]*|CREATE SUBSCRIPTION .*\)|\\(?:un)?restrict \w+);?\s*\Z"
    % (_WORDS, _WORDS, _WORDS)
)


class Counted(Protocol):
    """Notes what a dump holds; see Inventory.

    Attributes:
        rows: how many there are of each table.
    """

    rows: Counter[str]

    def take_statement(self, line: bytes) -> None:
        """Take a line that no statement was begun before."""
        ...

    def take_table(self, name: bytes) -> str:
        """Take a table whose rows follow; its name."""
        ...


class PlainSql:
    """Takes lines, one after the other.

    Args:
        counted: notes what they hold.

    Attributes:
        complete: whether the end that `pg_dump` writes was seen, or no beginning of such a dump.
    """

    def __init__(self, counted: Counted | None = None) -> None:
        self.complete = True
        self._counted = counted
        self._table = ""
        self._quote = b""
        self._statement = False
        self._rows = False

    @property
    def within(self) -> str:
        """Return what is not closed yet; empty between and in statements."""
        return "the rows of a table" if self._rows else "a quoted text" if self._quote else ""

    @property
    def unfinished(self) -> bool:
        """Return whether a statement has no end yet."""
        return self._statement

    def take(self, line: bytes) -> bytes:
        """Return what to give to psql for a line, which is with its end.

        Raises:
            BackupError: it is a command of psql, which a dump does not have.
        """
        if self._rows:
            self._rows = line.rstrip(b"\r\n") != b"\\."
            if self._rows and self._table and self._counted:
                self._counted.rows[self._table] += 1
            return line
        if not self._quote and not self._statement:
            if line.startswith(_BEGIN):
                self.complete = line.startswith(_END)
            if _OF_ORIGIN.match(line):
                return b""
            if line.startswith(b"\\"):
                raise BackupError(
                    "importing SQL", f"it has a command of psql: {line[:40].decode(errors='replace').strip()}"
                )
            self._begin(line)
        self._quote, code = _follow(line, self._quote)
        code = code.strip()
        self._statement = bool(self._quote) or (not code.endswith(b";") if code else self._statement)
        return line

    def _begin(self, line: bytes) -> None:
        """Take the first line of a statement."""
        copy = _COPY.match(line)
        self._rows = copy is not None
        if self._counted:
            self._table = self._counted.take_table(copy[1]) if copy and copy[1] else ""
            self._counted.take_statement(line)


def _follow(line: bytes, quote: bytes) -> tuple[bytes, bytes]:
    """Return the quote that is open after a line, and what of the line is code."""
    position, code = 0, b""
    while position < len(line):
        if not quote:
            found = _QUOTE.search(line, position)
            code += line[position : found.start()] if found else line[position:]
            if found is None or found[0] == b"--":
                return b"", code
            quote, position = found[0], found.end()
            continue
        end = _end(line, position, quote)
        if end < 0:
            return quote, code
        quote, position = b"", end
    return quote, code


def _end(line: bytes, position: int, quote: bytes) -> int:
    """Return where a quote ends; negative when it goes on in the next line."""
    if quote.startswith(b"$"):
        found = line.find(quote, position)
        return found + len(quote) if found >= 0 else -1
    if quote in {b"e'", b"E'"}:
        for match in _ESCAPED.finditer(line, position):
            if match[0] == b"'":
                return match.end()
        return -1
    closing = _CLOSING[quote].search(line, position)
    return closing.end() if closing else -1


async def cleaned(content: AsyncIterator[bytes], token: str, counted: Counted | None = None) -> AsyncIterator[bytes]:
    """Yield what to give to psql: without what is of the origin alone, and closed to commands of psql by a token.

    Raises:
        BackupError: the dump is cut, or is none.
    """
    sql, rest = PlainSql(counted), b""
    yield f"\\restrict {token}\n".encode()
    async for chunk in content:
        *lines, rest = (rest + chunk).split(b"\n")
        taken = b"".join([sql.take(line + b"\n") for line in lines])
        if taken:
            yield taken
    if rest:
        yield sql.take(rest + b"\n")
    if sql.within:
        raise BackupError("importing SQL", f"the file ends in the middle of {sql.within}")
    if sql.unfinished:
        yield b"\n;\n"  # only here: after the rows of a table psql ends at a statement that is empty, with status 0
    if not sql.complete:
        raise BackupError("importing SQL", "the dump is cut: the end that pg_dump writes is missing")
