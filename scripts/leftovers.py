"""Tell what is left of servers below a home: processes, directories, ports. Status 1 when something is.

Called as `leftovers.py HOME [PORT ...]`, or as `leftovers.py --end HOME` to kill the servers: the last resort.

A process belongs to a home when it works in a directory below it. So does one that was started with a path in it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from addonkit.testing.home import kill_servers


def processes(home: Path) -> Iterator[psutil.Process]:
    """Yield processes of servers below the home; those that we may not look into are not ours."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            places = (process.cwd(), *process.cmdline())
            if process.pid not in mine and any(_is_below(place, home) for place in places):
                yield process


def _is_below(place: str, home: Path) -> bool:
    return f"{home}/" in f"{place}/"


def directories(home: Path) -> Iterator[Path]:
    """Yield what servers keep below the home."""
    for name in ("pools", "disks", "ports"):
        yield from (path for path in home.glob(f"{name}/*") if path.name != "lock")


def answering(ports: Iterable[int]) -> Iterator[int]:
    """Yield ports of this machine that a process listens on."""
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                yield port


def main(arguments: list[str]) -> int:
    """Tell, or end; the exit status."""
    if arguments[0] == "--end":
        kill_servers(Path(arguments[1]))
        return 0
    home, ports = Path(arguments[0]), [int(each) for each in arguments[1:]]
    left = [f"process {process.pid}: {' '.join(process.cmdline())}" for process in processes(home)]
    left += [f"directory {path}" for path in directories(home)]
    left += [f"port {port} still answers" for port in answering(ports)]
    print("\n".join(left) or f"no process, no directory, none of the ports {' '.join(map(str, ports))}")
    return int(bool(left))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
