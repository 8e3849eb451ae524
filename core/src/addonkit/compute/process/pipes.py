"""Runs a command that data stream into and out of; its whole process group is ended with the block."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from addonkit.compute.process.commands import end, end_of
from addonkit.compute.process.user import ServiceUser, subprocess_credentials
from addonkit.errors import CommandFailed
from addonkit.util.concurrency import uninterrupted

CHUNK: Final = 256 * 1024
"""Bytes that are read at once; twice as many wait at most."""


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
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL if content is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=CHUNK,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
        pass_fds=tuple(keep_open),
        **subprocess_credentials(user),
    )
    said = asyncio.create_task(end_of(process.stderr))
    feeding = asyncio.create_task(_feed(process, content))
    output = _chunks(process.stdout)
    try:
        yield output
        async for _rest in _chunks(process.stdout):
            pass
        await feeding
        status, stderr = await process.wait(), await said
        if status:
            last = [line for line in stderr.splitlines() if line.strip()][-1:] or ["no message"]
            raise CommandFailed(attempted, f"status {status}: {last[0].strip()}")
    finally:
        await output.aclose()
        feeding.cancel()
        said.cancel()
        await uninterrupted(end(process))
        await asyncio.gather(feeding, said, return_exceptions=True)


async def _feed(process: asyncio.subprocess.Process, content: AsyncIterable[bytes] | None) -> None:
    """Write the content; a command that reads no more says by its status why."""
    if content is None or process.stdin is None:
        return
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            async for chunk in content:
                process.stdin.write(chunk)
                await process.stdin.drain()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # else one of them would take what came so far for everything
        raise
    finally:
        process.stdin.close()


async def _chunks(stream: asyncio.StreamReader | None) -> AsyncGenerator[bytes, None]:
    while stream is not None and (chunk := await stream.read(CHUNK)):
        yield chunk
