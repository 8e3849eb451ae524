"""Looks at processes as their own user.

Run as `python -I -S proc_probe.py` by `open_files`: root without CAP_SYS_PTRACE, as in most containers, may not see
what processes of others have open, while they themselves may. Takes `{"user": [uid, gid], "pids": [...]}` as
JSON on standard input and answers `{pid: [working directory, [device, inode] of it, [open files]]}`. What cannot be
seen is left out.
"""

import json
import os
import sys


def look(pid: int) -> "tuple[str, tuple[int, int], list[str]]":
    """Return where a process works, as a path and as device and inode, and what it has open.

    Raises:
        OSError: when it is gone or not ours to see.
    """
    directory = os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115
    status = os.stat(f"/proc/{pid}/cwd")  # noqa: PTH116
    opened = []
    for descriptor in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
        try:
            opened.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))  # noqa: PTH115
        except FileNotFoundError:
            continue
    return directory, (status.st_dev, status.st_ino), opened


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    uid, gid = question["user"]
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    seen = {}
    for pid in question["pids"]:
        try:
            seen[pid] = look(pid)
        except OSError:
            continue
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
