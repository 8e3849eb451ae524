"""Reads an RDB file: a server is started for it alone, of the same program as the one that is filled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from addonkit import BackupError, Member, ServerAccess

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

_MAGIC: Final = (b"REDIS", b"VALKEY")

_PAUSE: Final = 0.1
"""Seconds between two looks whether the file is loaded."""

_PATIENCE: Final = 600.0
"""Seconds that one answer may take: the largest value is read at once."""

_SCRATCH: Final = """\
folder=$1
mkdir "$folder/data"
head -c "$2" >"$folder/data/dump.rdb"
program=${PATH%%:*}/valkey-server
test -x "$program" || program=${PATH%%:*}/redis-server
"$program" - <<END >"$folder/log" 2>&1 &
dir $folder/data
port 0
unixsocket $folder/socket
unixsocketperm 700
save ""
appendonly no
END
server=$!
while test ! -S "$folder/socket" && kill -0 "$server" 2>/dev/null; do sleep 0.05; done
echo "$folder/socket"
cat >/dev/null
kill "$server" 2>/dev/null || :
if ! wait "$server"; then
  sed -n 's/^.* # //p' "$folder/log" | grep -v WARNING | head -n 1 >&2
  exit 1
fi
"""
"""It ends when its input does, however that comes about."""


@asynccontextmanager
async def loaded(access: ServerAccess, member: Member, attempted: str) -> AsyncIterator[Valkey]:
    """Yield a connection to a server that holds what is in the file, while the block lasts.

    Raises:
        BackupError: the file is no RDB.
        CommandFailed: the program cannot read it, or the file does not fit beside the server.
    """
    from valkey.asyncio import Valkey
    from valkey.exceptions import ConnectionError

    content = member.content()
    first = await anext(content, b"")
    if not first.startswith(_MAGIC):
        raise BackupError(attempted, "the file is no RDB", "write one with `valkey-cli --rdb FILE`")
    done, size = asyncio.Event(), member.size or 0
    argv = ("/bin/sh", "-euc", _SCRATCH, "sh", "{scratch}", str(size))
    failed = False
    async with access.pipe(argv, {}, _held_open(first, content, size, done)) as output:
        path = await _first_line(output)
        client = Valkey(unix_socket_path=path or "/nowhere", single_connection_client=True, socket_timeout=_PATIENCE)
        try:
            try:
                await _until_loaded(client)
            except ConnectionError:
                failed = True  # why, its log says: the script ends with that
            else:
                yield client
        finally:
            done.set()
            await client.aclose()
    if failed:
        raise BackupError(attempted, "the server that was to read the file ended without a reason")


async def _held_open(
    first: bytes, content: AsyncIterator[bytes], size: int, done: asyncio.Event
) -> AsyncIterator[bytes]:
    """Give the file; then the input stays open, as the server ends with it."""
    left = size - len(first)
    yield first
    async for chunk in content:
        left -= len(chunk)
        yield chunk
    if left:
        raise BackupError("reading the file", "it has changed meanwhile")
    await done.wait()


async def _first_line(output: AsyncIterator[bytes]) -> str:
    """Return the line without its end; empty when the output ends before it."""
    kept = b""
    async for chunk in output:
        line, ended, _rest = (kept := kept + chunk).partition(b"\n")
        if ended:
            return line.decode()
    return ""


async def _until_loaded(client: Valkey) -> None:
    from valkey.exceptions import BusyLoadingError

    while True:
        try:
            await client.ping()
        except BusyLoadingError:
            await asyncio.sleep(_PAUSE)
        else:
            return
