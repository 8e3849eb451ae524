"""A local S3 service with IAM, for trying the addon out and for tests: the command `addonkit-s3-local`.

Needs the extra `local`. It listens on loopback. Requests without a key that it knows are refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from subprocess import PIPE, Popen

from addonkit_s3_remote.local.settings import parse_lines

_COMMAND = ("-m", "addonkit_s3_remote.local", "--port", "0", "--memory", "--until-eof")


@contextmanager
def local_service() -> Iterator[Mapping[str, str]]:
    """Run one beside this process; give the settings that an operator sets for the addon.

    It keeps everything in memory and ends with this process.

    Raises:
        RuntimeError: when it does not start.
    """
    command = (sys.executable, *_COMMAND)
    # It lives longer than the directory that this process may be in, and is no server of a home there.
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd="/") as process:  # noqa: S603 - our own command
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            lines = list(takewhile(str.strip, process.stdout))
            if not lines:
                raise RuntimeError("the local S3 service did not start; is addonkit-s3-remote[local] installed?")
            yield parse_lines(lines)
        finally:
            process.stdin.close()
            process.wait()
