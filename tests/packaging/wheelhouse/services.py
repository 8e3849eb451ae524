"""Services that remote addons bring for trying them out."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from wheelhouse.environment import Environment


@contextmanager
def serving(environment: Environment, module: str, *arguments: str, settings: int) -> Iterator[dict[str, str]]:
    """Run a module of an environment that serves.

    Args:
        environment: where it is installed.
        module: what is run.
        arguments: of it.
        settings: how many lines `NAME=value` it prints first; these are given, to be exported.
    """
    command = [str(environment.python), "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(settings)]
            yield dict(line.strip().split("=", 1) for line in lines)
        finally:
            process.kill()
