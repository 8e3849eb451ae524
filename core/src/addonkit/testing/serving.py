"""A server that a test starts for itself, and that ends with it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

LIMIT: Final = 30.0
"""Seconds until it must listen."""


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(argv: Sequence[str], port: int, environ: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a server until the block ends; `127.0.0.1:port`, as soon as it listens there.

    Raises:
        RuntimeError: when it ends, or does not listen in time.
    """
    # Its output goes where the test's does: pytest shows it when the test fails.
    process = subprocess.Popen(argv, env={**os.environ, **(environ or {})}, stdin=subprocess.DEVNULL)  # noqa: S603 - the test's own server
    try:
        _wait(process, port)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    ending = time.monotonic() + LIMIT
    while time.monotonic() < ending:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not listen on port {port}")
