"""Rotates the log of a server for as long as the server runs, whether or not commands run.

Run as `python -I -S log_rotator.py DIRECTORY PID STARTED`, by the launcher and by `logs`. Standard library only, and
as little of it as possible: each server has one such process.

The server writes to its log directly. It never waits for this process, and loses nothing when this process ends. It
has no descriptor of the server: no lock, no pipe. It keeps the directory open, so it works after a move of the home.
"""

import fcntl
import os
import select
import sys

LONGEST = 10 * 1024 * 1024
"""Bytes after which a log is rotated."""

COPIED = 2 * LONGEST
"""Bytes of a long log that are kept when it is rotated: its end."""

KEPT = 3
"""Rotated logs that are kept: log.1 is the newest."""

LOCK = "rotating"
"""File below the directory that is locked while a process rotates the log."""

QUIET, BUSY = 1.0, 0.1
"""Seconds between two looks: usually, and after a rotation."""

_DRAFT = "log.0"
_PIECE = 1024 * 1024
_LOCK_ATTEMPTS = 50
"""The rotator of a former server may still copy."""


def main() -> None:
    """Rotate until the server has ended."""
    directory, pid, started = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if os.fork():
        os._exit(0)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    ended = _end_of(pid, started)
    if ended is None or not _take_lock(place, ended):
        return
    while not ended.wait(BUSY if rotate(place) else QUIET):
        pass


class _End:
    """The end of a process; without pidfds, as in some containers, /proc tells it."""

    def __init__(self, pid: int, started: int) -> None:
        self.pid, self.started = pid, started
        self._poll = select.poll()
        try:
            self._poll.register(os.pidfd_open(pid), select.POLLIN)
        except OSError:
            return

    def wait(self, seconds: float) -> bool:
        """Wait so long; whether it has ended."""
        return bool(self._poll.poll(seconds * 1000)) or not self.runs()

    def runs(self) -> bool:
        """Return whether exactly this process still runs."""
        try:
            with open(f"/proc/{self.pid}/stat") as stat:  # noqa: PTH123 - no pathlib here
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            return False
        return int(fields[19]) == self.started and fields[0] not in "ZX"


def _end_of(pid: int, started: int) -> "_End | None":
    end = _End(pid, started)
    return end if end.runs() else None


def _take_lock(place: int, ended: _End) -> bool:
    """Become the only one that rotates this log; the lock lasts as long as this process."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    lock = os.open(LOCK, flags, 0o600, dir_fd=place)
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if ended.wait(BUSY):
                return False
        else:
            return True
    return False


def rotate(place: int) -> bool:
    """Move what a log holds to log.1 when it is long; whether it was.

    The file is copied and emptied, not renamed: the server has it open, and since it appends it goes on at
    the new end. What it writes between the two is lost, a line at most. On a full disk the copy is what is lost.
    """
    try:
        log = os.open("log", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=place)
    except OSError:
        return False
    try:
        size = os.fstat(log).st_size
        if size <= LONGEST:
            return False
        _keep(log, size, place)
        os.ftruncate(log, 0)
    except OSError:
        return False
    finally:
        os.close(log)
    return True


def _keep(log: int, size: int, place: int) -> None:
    """Keep the end of a log as log.1, which is whole from the moment that it is there.

    A server can make its log as long as it likes, holes included.
    """
    try:
        for each in (f"log.{KEPT}", _DRAFT):
            _remove(each, place)
        for number in range(KEPT - 1, 0, -1):
            _rename(f"log.{number}", f"log.{number + 1}", place)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        copy = os.open(_DRAFT, flags, 0o600, dir_fd=place)
        try:
            _copy(log, max(0, size - COPIED), copy)
        finally:
            os.close(copy)
        _rename(_DRAFT, "log.1", place)
    except OSError:
        _remove(_DRAFT, place)


def _copy(log: int, offset: int, copy: int) -> None:
    left = COPIED
    while left > 0 and (piece := os.pread(log, min(_PIECE, left), offset)):
        written = os.write(copy, piece)
        offset, left = offset + written, left - written


def _rename(former: str, name: str, place: int) -> None:
    try:
        os.rename(former, name, src_dir_fd=place, dst_dir_fd=place)
    except FileNotFoundError:
        return


def _remove(name: str, place: int) -> None:
    try:
        os.unlink(name, dir_fd=place)
    except FileNotFoundError:
        return


if __name__ == "__main__":
    main()
