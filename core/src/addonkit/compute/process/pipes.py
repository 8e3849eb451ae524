"""Runs a command that data stream into and out of; its whole process group is ended with the block."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from addonkit.compute.process.commands import end, end_of
from addonkit.compute.process.user import ServiceUser, subprocess_credentials
from addonkit.errors import CommandFailed
from addonkit.util.concurrency import uninterrupted
from addonkit.util.text import error_line
from addonkit.util.wide_pipes import read_pieces, wide_pipe, write_pieces


@asynccontextmanager
async def piped(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    user: ServiceUser | None,
    content: AsyncIterable[bytes] | None,
    attempted: str,
    keep_open: Sequence[int] = (),
) -> AsyncIterator[AsyncIterator[bytes]]:
    """Run a command, stream `content` into it, and give its output as it comes.

    Raises:
        CommandFailed: when the block has ended well and the command ends with another status than 0.
        Exception: what `content` raised.
    """
    with ExitStack() as ours, ExitStack() as theirs:
        stdin, writing = _pipe(theirs, ours) if content is not None else (asyncio.subprocess.DEVNULL, None)
        reading, stdout = _pipe(ours, theirs)
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=stdin,
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            pass_fds=tuple(keep_open),
            **subprocess_credentials(user),
        )
        theirs.close()
        said = asyncio.create_task(end_of(process.stderr))
        feeding = asyncio.create_task(_feed(process, writing, content))
        try:
            async with aclosing(read_pieces(reading.fileno())) as output:
                yield output
            async with aclosing(read_pieces(reading.fileno())) as rest:
                async for _piece in rest:
                    pass
            await feeding
            status, stderr = await process.wait(), await said
            if status:
                raise CommandFailed(attempted, f"status {status}: {error_line(stderr)}")
        finally:
            feeding.cancel()
            said.cancel()
            await uninterrupted(end(process))
            await asyncio.gather(feeding, said, return_exceptions=True)


def _pipe(readers: ExitStack, writers: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """Make a pipe whose ends are closed with their stacks."""
    reading, writing = wide_pipe()
    return (
        readers.enter_context(os.fdopen(reading, "rb", buffering=0)),
        writers.enter_context(os.fdopen(writing, "wb", buffering=0)),
    )


async def _feed(
    process: asyncio.subprocess.Process, file: IO[bytes] | None, content: AsyncIterable[bytes] | None
) -> None:
    """Write the content; a command that reads no more says by its status why."""
    if content is None or file is None:
        return
    with file:
        try:
            with suppress(BrokenPipeError):
                await write_pieces(file.fileno(), content)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # else one of them would take what came so far for everything
            raise
