"""Reads plain SQL as `pg_dump` writes it, and leaves out what is of the origin alone: owners, rights, psql's commands.

It knows a statement from a quoted text. Rows of `COPY` pass as they are.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

from addonkit import BackupError

_BEGIN: Final = b"-- PostgreSQL database dump"
_END: Final = b"-- PostgreSQL database dump complete"

_QUOTE: Final = re.compile(rb"--|/\*|\b[eE]'|'|\"|\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$")
_CLOSING: Final = {b"'": re.compile(rb"'"), b'"': re.compile(rb'"'), b"/*": re.compile(rb"\*/")}
_ESCAPED: Final = re.compile(rb"\\.|'", re.DOTALL)
_COPY: Final = re.compile(rb"COPY .* FROM stdin;\s*\Z", re.DOTALL)
_OF_ORIGIN: Final = re.compile(
    rb"(?:ALTER [^;']* OWNER TO [^;']*|GRANT [^;']*|REVOKE [^;']*|ALTER DEFAULT PRIVILEGES [^;']*"
    rb"|SET SESSION AUTHORIZATION [^;]*|\\(?:un)?restrict \w+);?\s*\Z"
)


class PlainSql:
    """Takes lines, one after the other.

    Attributes:
        complete: whether the end that `pg_dump` writes was seen, or no beginning of such a dump.
    """

    def __init__(self) -> None:
        self.complete = True
        self._quote = b""
        self._statement = False
        self._rows = False

    def take(self, line: bytes) -> bytes:
        """What to give to psql for a line, which is with its end.

        Raises:
            BackupError: it is a command of psql, which a dump does not have.
        """
        if self._rows:
            self._rows = line.rstrip(b"\r\n") != b"\\."
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
            self._rows = _COPY.match(line) is not None
        self._quote, code = _follow(line, self._quote)
        code = code.strip()
        self._statement = bool(self._quote) or (not code.endswith(b";") if code else self._statement)
        return line


def _follow(line: bytes, quote: bytes) -> tuple[bytes, bytes]:
    """The quote that is open after a line, and what of the line is code."""
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
    """Where a quote ends; negative when it goes on in the next line."""
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


async def cleaned(content: AsyncIterator[bytes], token: str) -> AsyncIterator[bytes]:
    """What to give to psql: without what is of the origin alone, and closed to commands of psql by a token.

    Raises:
        BackupError: the dump is cut, or is none.
    """
    sql, rest = PlainSql(), b""
    yield f"\\restrict {token}\n".encode()
    async for chunk in content:
        *lines, rest = (rest + chunk).split(b"\n")
        taken = b"".join([sql.take(line + b"\n") for line in lines])
        if taken:
            yield taken
    if rest:
        yield sql.take(rest + b"\n")
    if not sql.complete:
        raise BackupError("importing SQL", "the dump is cut: the end that pg_dump writes is missing")
