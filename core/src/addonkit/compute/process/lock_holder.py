"""Holds the lock of a disk for a server that has closed the descriptor it inherited.

Run as `python -I -S lock_holder.py PIDFD LOCK`, with both descriptors inherited, by `standing`. Ends with the server.
"""

import os
import select
import sys


def main() -> None:
    """Wait until the process of the first descriptor has ended."""
    process, lock = int(sys.argv[1]), int(sys.argv[2])
    if os.fork():
        os._exit(0)
    os.setsid()
    for descriptor in range(3):
        os.close(descriptor)
    select.select([process], [], [])
    os.close(lock)


if __name__ == "__main__":
    main()
