"""Commands as bytes, the way the server takes them: `valkey-cli --pipe` loads a file of them. Pure."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from addonkit import BackupError

_MOST_WORDS: Final = 16
_LONGEST: Final = 512 * 1024 * 1024 + 1024
_LINE: Final = 32

Command = tuple[bytes, ...]


def encode(*words: bytes) -> bytes:
    """Write a command."""
    head = b"*%d\r\n" % len(words)
    return head + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


async def commands(content: AsyncIterable[bytes], attempted: str) -> AsyncIterator[Command]:
    """Yield the commands in a stream of chunks; one at a time is in memory.

    Raises:
        BackupError: it is something else, or ends within a command.
    """
    source = _Source(content, attempted)
    while await source.more():
        count = await source.number(b"*", _MOST_WORDS)
        yield tuple([await source.word() for _ in range(count)])


class _Source:
    """Reads from chunks of any length."""

    def __init__(self, content: AsyncIterable[bytes], attempted: str) -> None:
        self._content = aiter(content)
        self._attempted = attempted
        self._kept = bytearray()
        self._at = 0

    async def more(self) -> bool:
        """Return whether anything is left."""
        return self._at < len(self._kept) or await self._read()

    async def number(self, sign: bytes, most: int) -> int:
        """Return a line that is a number behind a sign."""
        while (end := self._kept.find(b"\r\n", self._at)) < 0:
            if len(self._kept) - self._at > _LINE or not await self._read():
                raise self._wrong()
        line = bytes(self._kept[self._at : end])
        self._at = end + 2
        if not line.startswith(sign) or not line[1:].isdigit() or not 0 <= int(line[1:]) <= most:
            raise self._wrong()
        return int(line[1:])

    async def word(self) -> bytes:
        """Return a word with its length before it."""
        length = await self.number(b"$", _LONGEST)
        while len(self._kept) - self._at < length + 2:
            if not await self._read():
                raise self._wrong()
        end = self._at + length
        word = bytes(self._kept[self._at : end])
        if self._kept[end : end + 2] != b"\r\n":
            raise self._wrong()
        self._at = end + 2
        return word

    async def _read(self) -> bool:
        if self._at:
            del self._kept[: self._at]
            self._at = 0
        async for chunk in self._content:
            self._kept += chunk
            if chunk:
                return True
        return False

    def _wrong(self) -> BackupError:
        return BackupError(self._attempted, "what it holds are no commands of a Valkey server")
