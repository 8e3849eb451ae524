"""Runs asynchronous work from a command: opens the home, shows progress, takes signals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from addonkit.cli.invocation import Invocation
    from addonkit.kit.kit import Kit

T = TypeVar("T")


def with_kit(
    invocation: Invocation,
    work: Callable[[Kit], Awaitable[T]],
    *,
    heal: bool = True,
    hint: str = "",
) -> T:
    """Open the home, do the work, close the home.

    Args:
        invocation: of this invocation.
        work: what to do with the open home.
        heal: start servers that should run and do not.
        hint: what to tell the user when the work is interrupted.

    Raises:
        AddonkitError: as the work raises them.
        KeyboardInterrupt: after SIGINT or SIGTERM; what was begun is recorded and can be continued.
    """
    from addonkit.cli.progress import Progress

    progress = Progress.on_stderr(silent=invocation.json)

    async def opened() -> T:
        async with invocation.open(on_event=progress.take, heal=heal) as kit:
            return await work(kit)

    invocation.hint = hint
    try:
        result = run(opened())
    finally:
        progress.close()
    invocation.hint = ""
    return result


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in an event loop of its own; SIGTERM interrupts like Ctrl-C.

    Raises:
        KeyboardInterrupt: after either signal, when the work has ended.
    """
    import asyncio
    import signal

    terminated = False

    async def guarded() -> T:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def stop() -> None:
            nonlocal terminated
            terminated = True
            if task is not None:
                task.cancel()

        loop.add_signal_handler(signal.SIGTERM, stop)
        try:
            return await work
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if terminated:
            raise KeyboardInterrupt from None
        raise
