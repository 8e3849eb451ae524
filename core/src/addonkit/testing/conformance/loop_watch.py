"""Sees a step of an addon block the event loop: by a call that is known to block, or by not letting others go on."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from addonkit.testing.conformance.audit_hooks import watching_calls
from addonkit.testing.conformance.frames import place_in

_PATIENCE: Final = 1.0
"""Seconds for which a step may keep the loop; time in which the machine had no core for it does not count."""

_LOOK_EVERY: Final = 0.05


@contextmanager
def watching_loop(package: str) -> Iterator[list[str]]:
    """Watch the running loop for the length of the block; the list has where code of the package blocked it."""
    found: list[str] = []
    watch = _Watch(asyncio.get_running_loop(), package, found)
    thread = threading.Thread(target=watch.run, daemon=True)
    with watching_calls(package, blocking=True) as calls:
        thread.start()
        try:
            yield found
        finally:
            watch.over.set()
            thread.join()
            found += calls


@attrs.frozen
class _Watch:
    """Asks a loop again and again to answer; made in the thread of the loop."""

    loop: asyncio.AbstractEventLoop
    package: str
    found: list[str]
    over: threading.Event = attrs.field(factory=threading.Event)
    thread: int = attrs.field(factory=threading.get_ident)
    task: int = attrs.field(factory=threading.get_native_id)

    def run(self) -> None:
        while not self.over.wait(_LOOK_EVERY):
            answered = threading.Event()
            asked, starved = time.monotonic(), _starved(self.task)
            with suppress(RuntimeError):  # the loop was closed
                self.loop.call_soon_threadsafe(answered.set)
            seen: set[str] = set()
            while not (self.over.is_set() or answered.wait(_LOOK_EVERY)):
                waited = time.monotonic() - asked - (_starved(self.task) - starved)
                place = self._place()
                if waited > _PATIENCE and place and place not in seen:
                    seen.add(place)
                    self.found.append(f"for {waited:.1f} s and more at {place}")

    def _place(self) -> str:
        frame = sys._current_frames().get(self.thread)  # noqa: SLF001 - documented, for debugging
        return place_in(self.package, frame)


def _starved(task: int) -> float:
    """Return the seconds that a thread was ready to run and had no core; see the kernel's proc_pid_schedstat."""
    try:
        return int(Path(f"/proc/self/task/{task}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
