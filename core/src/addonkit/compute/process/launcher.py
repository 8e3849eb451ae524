"""Becomes a server: writes down who it is, gives up root, executes the program.

Run as `python -I -S launcher.py`, instructions as JSON on standard input. The run record is written
before the program starts, by the process that becomes it: whoever started it may die at any moment and
the server is still known. Standard library only, and as little of it as possible: this is start-up time.

Instructions: `record` (path), `argv`, `env`, `cwd`, `log` (path), `user` (null, or [uid, gid]),
`starts` (copied into the record).
"""

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Carry out the instructions; does not return."""
    order = json.load(sys.stdin)
    # Two forks make a server the child of nobody here: whoever started it need not collect it.
    if os.fork():
        os._exit(0)
    os.setsid()
    _redirect(order["log"])
    _write_record(order)
    os.chdir(order["cwd"])
    os.umask(0o077)
    if order["user"]:
        uid, gid = order["user"]
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.execve(order["argv"][0], order["argv"], order["env"])  # noqa: S606 - becoming the server is the job


def _redirect(log: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, 256)


def _write_record(order: "dict[str, Any]") -> None:
    with open("/proc/self/stat") as stat, open("/proc/sys/kernel/random/boot_id") as boot:  # noqa: PTH123
        started = int(stat.read().rpartition(")")[2].split()[19])
        record = {"pid": os.getpid(), "started": started, "boot": boot.read().strip(), "starts": order["starts"]}
    draft = f"{order['record']}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, json.dumps(record).encode())
    os.fsync(descriptor)
    os.close(descriptor)
    os.replace(draft, order["record"])  # noqa: PTH105


if __name__ == "__main__":
    main()
