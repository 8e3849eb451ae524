"""Runs asynchronous work from a command: opens the home, shows progress, takes signals."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from addonkit.cli.invocation import Invocation
    from addonkit.kit.kit import Kit

T = TypeVar("T")


def with_kit(invocation: Invocation, work: Callable[[Kit], Awaitable[T]], *, hint: str = "") -> T:
    """Open the home, do the work, close the home.

    From now on, what plugins and steps print goes to stderr: stdout is for the result.

    Args:
        invocation: of this invocation.
        work: what to do with the open home.
        hint: what to tell the user when the work is interrupted.

    Raises:
        AddonkitError: as the work raises them.
        KeyboardInterrupt: after SIGINT or SIGTERM; what was begun is recorded and can be continued.
    """
    from addonkit.cli.failures import report_interrupted
    from addonkit.cli.progress import SLOW, Progress
    from addonkit.cli.streams import is_terminal
    from addonkit.util.stdout import redirect_stdout

    redirect_stdout()  # for good: a plugin's thread may print at any time
    stream = None if invocation.json else sys.stderr
    progress = Progress(stream, live=is_terminal(stream), patient=not invocation.verbose)

    async def opened() -> T:
        import asyncio

        asyncio.get_running_loop().call_later(SLOW, progress.reveal)
        async with invocation.open(on_event=progress.take, heal=False) as kit:
            return await invocation.followed(kit, work(kit))

    invocation.hint = hint
    try:
        result = run(opened(), lambda: report_interrupted(invocation))
    finally:
        progress.close()
    invocation.hint = ""
    return result


def run(work: Coroutine[Any, Any, T], give_up: Callable[[], int]) -> T:
    """Run to the end in an event loop of its own.

    SIGINT or SIGTERM cancels the work, which then ends in order. A second one is answered with a line, a third one
    ends the process at once.

    Args:
        work: what to run.
        give_up: reports the interruption before the process ends at once; returns its exit status.

    Raises:
        KeyboardInterrupt: after a signal, when the work has ended.
    """
    import asyncio

    from addonkit.util.foreign_code import foreign_code_runs_elsewhere

    interruption = _Interruption(give_up)
    runner = asyncio.Runner()
    try:
        with interruption.signals():
            return runner.run(interruption.guard(work))
    except asyncio.CancelledError:
        if interruption.count:
            raise KeyboardInterrupt from None
        raise
    finally:
        # Closing waits for threads; one that is in a plugin's code may take any time, and ends with the process.
        if not foreign_code_runs_elsewhere():
            runner.close()


class _Interruption:
    """Counts signals; a handler of Python's own is called even while the event loop is busy."""

    def __init__(self, give_up: Callable[[], int]) -> None:
        self.count = 0
        self._give_up = give_up
        self._cancel: Callable[[], object] = lambda: None

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work; the first signal cancels it, also one that has come already."""
        import asyncio

        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is not None:
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        if self.count:
            self._cancel()
        return await work

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take both signals, unless they were ignored when the process began."""
        import signal

        former: dict[signal.Signals, Any] = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                former[number] = signal.signal(number, self._take)
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _take(self, *_signal: object) -> None:
        from addonkit.cli.streams import echo_err
        from addonkit.util.foreign_code import runs_foreign_code

        self.count += 1
        if self.count == 1:
            self._cancel()
            if runs_foreign_code():  # which blocks the event loop for as long as it likes
                raise KeyboardInterrupt
        elif self.count == 2:  # noqa: PLR2004 - the second of three
            echo_err("still ending what was begun; interrupt once more to leave it as it is")
        else:
            os._exit(self._give_up())
