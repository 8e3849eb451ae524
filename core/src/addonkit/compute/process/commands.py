"""Runs a command to its end: bounded in time and output, its whole process group ended with it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from addonkit.compute.process.user import ServiceUser, subprocess_credentials
from addonkit.models.compute import ExecResult
from addonkit.util.concurrency import uninterrupted

LONGEST_OUTPUT: Final = 1024 * 1024
"""Bytes that are kept of each stream: its end."""

GRACE: Final = 3.0
"""Seconds that a command has to end by itself once it was asked to."""


async def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    user: ServiceUser | None,
    timeout: float,
    keep_open: Sequence[int] = (),
    output: IO[bytes] | int = asyncio.subprocess.PIPE,
) -> ExecResult:
    """Run a command; when the time is over or the caller is cancelled, it and everything it started is ended.

    It is asked first: a killed `initdb` leaves shared memory behind, which stays until a reboot.

    Raises:
        TimeoutError: when it takes longer than `timeout` seconds.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
        pass_fds=tuple(keep_open),
        **subprocess_credentials(user),
    )
    try:
        async with asyncio.timeout(timeout):
            stdout, stderr, status = await asyncio.gather(
                end_of(process.stdout), end_of(process.stderr), process.wait()
            )
    finally:
        await uninterrupted(end(process))
    return ExecResult(status, stdout, stderr)


async def end(process: asyncio.subprocess.Process) -> None:
    """Ask a command to end, and kill what is left of its process group after that."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def end_of(stream: asyncio.StreamReader | None) -> str:
    """Return the last megabyte of what a stream says, read to its end."""
    kept = b""
    while stream is not None and (part := await stream.read(LONGEST_OUTPUT)):
        kept = (kept + part)[-LONGEST_OUTPUT:]
    return kept.decode(errors="replace")
