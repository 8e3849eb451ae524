"""Runs `pg_restore` on a dump that comes as a stream: on one that is large, several times side by side.

Definitions come first; then each of two `pg_restore` loads a part of every table's rows; then two sessions make indexes
and constraints. `pg_restore -j` does the same for tables as a whole, and needs the dump as a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from addonkit import ServerAccess
from addonkit_postgresql.dividing import Divider
from addonkit_postgresql.owner_names import Head, Short, read_head
from addonkit_postgresql.session import Administrator

LARGE: Final = 1024 * 1024
"""Bytes from which on a dump is large: below it the programs would take longer to start than to work."""

READERS: Final = 2
"""So many `pg_restore` load rows."""

_PIECE: Final = 512 * 1024
"""Bytes that are given to a program at once."""

_WAITING: Final = 4
"""Pieces that wait for a reader at most."""

_RESTORE: Final = ("--format=custom", "--no-owner", "--exit-on-error", "--no-tablespaces", "--no-password")

_FROM_FILE: Final = """\
folder=$1
shift
cat > "$folder/contents"
exec pg_restore "$@" "$folder/contents"
"""
"""Two sessions need a file: that of the table of contents alone, which holds no rows."""

_NEEDS_ORDER: Final = """
    SELECT EXISTS (
      SELECT FROM pg_depend d LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
      LEFT JOIN pg_attribute c ON c.attrelid = a.adrelid AND c.attnum = a.adnum
      WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid >= 16384
        AND (d.classid IN ('pg_constraint'::regclass, 'pg_class'::regclass) OR c.attgenerated <> ''))
"""
"""Whether a function is called for each row that is loaded, as by a check: it may look for rows of another table."""


async def restore(
    server: Administrator,
    access: ServerAccess,
    database: str,
    environment: dict[str, str],
    content: AsyncIterator[bytes],
) -> None:
    """Fill a database from a dump in custom format; statements that name the former owner's role name the new one.

    Raises:
        CommandFailed: `pg_restore` could not load it.
    """
    begin, head = await _begin(content, database)
    argv = ("pg_restore", *_RESTORE, f"--dbname={database}")
    if head is None:
        await _run(access, argv, environment, _joined(begin, content))
        return
    rest = _joined(begin[head.size :], content)
    if len(begin) < LARGE or not head.is_divisible:
        await _run(access, argv, environment, _joined(head.content, rest))
        return
    await _run(access, (*argv, "--section=pre-data"), environment, _joined(head.content))
    async with server.session(database) as connection:
        in_order = await connection.fetchval(_NEEDS_ORDER)
    loading = (*argv, "--section=data")
    if in_order:
        await _run(access, loading, environment, _joined(head.content, rest))
    else:
        await _load_rows(access, loading, environment, head, rest)
    script = ("/bin/sh", "-euc", _FROM_FILE, "sh", "{scratch}", *argv[1:], "--section=post-data", "--jobs=2")
    await _run(access, script, environment, _joined(head.content))


async def _begin(content: AsyncIterator[bytes], owner: str) -> tuple[bytes, Head | None]:
    """Return the first bytes of a dump, all of one that is not large; and its table of contents, if it has one."""
    pieces: list[bytes] = []
    size, wanted = 0, LARGE
    async for chunk in content:
        pieces.append(chunk)
        size += len(chunk)
        if size < wanted:
            continue
        begin = b"".join(pieces)
        try:
            return begin, read_head(begin, owner)
        except Short:
            pieces, wanted = [begin], 2 * size
    begin = b"".join(pieces)
    try:
        return begin, read_head(begin, owner)
    except Short:
        return begin, None


async def _load_rows(
    access: ServerAccess,
    argv: tuple[str, ...],
    environment: dict[str, str],
    head: Head,
    content: AsyncIterator[bytes],
) -> None:
    """Divide rows among readers. The first one takes what comes; each waits for the others."""
    queues = [asyncio.Queue[bytes](_WAITING) for _ in range(1, READERS)]
    others = [
        asyncio.ensure_future(_run(access, argv, environment, _joined(head.rows_only, _taken(queue))))
        for queue in queues
    ]
    try:
        first = _divided(content, list(zip(queues, others, strict=True)))
        async with aclosing(first) as pieces:
            await _run(access, argv, environment, _joined(head.content, pieces))
            async for _piece in pieces:
                pass  # a reader that has all it needs reads no further
        await asyncio.gather(*others)
    finally:
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)


_Other = tuple[asyncio.Queue[bytes], asyncio.Future[None]]


async def _divided(content: AsyncIterator[bytes], others: list[_Other]) -> AsyncGenerator[bytes, None]:
    """Yield the first reader's part; the others get theirs meanwhile, and an empty piece at the end."""
    divider = Divider(1 + len(others))
    async for chunk in content:
        for reader, piece in divider.divide(chunk):
            if reader:
                await _give(*others[reader - 1], piece)
            else:
                yield piece
    for reader, piece in divider.end():
        if reader:
            await _give(*others[reader - 1], piece)
        else:
            yield piece
    for each in others:
        await _give(*each, b"")


async def _give(waiting: asyncio.Queue[bytes], reading: asyncio.Future[None], piece: bytes) -> None:
    """Wait until a reader has room; raise what it raised."""
    if not waiting.full() and not reading.done():
        waiting.put_nowait(piece)
        return
    putting = asyncio.ensure_future(waiting.put(piece))
    try:
        await asyncio.wait((putting, reading), return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()
    finally:
        putting.cancel()


async def _run(
    access: ServerAccess, argv: tuple[str, ...], environment: dict[str, str], content: AsyncIterator[bytes]
) -> None:
    async with access.pipe(argv, environment, content):
        return


async def _joined(first: bytes, rest: AsyncIterator[bytes] | None = None) -> AsyncIterator[bytes]:
    for place in range(0, len(first), _PIECE):
        yield first[place : place + _PIECE]
    if rest is not None:
        async for piece in rest:
            yield piece


async def _taken(waiting: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
    while piece := await waiting.get():
        yield piece
