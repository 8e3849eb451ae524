"""`addonkit serve`: a process that keeps everything as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation

if TYPE_CHECKING:
    import asyncio


@command("serve", examples=("addonkit serve", "addonkit service install     the same, begun by systemd"))
@click.pass_obj
def serve(invocation: Invocation) -> None:
    """Keep everything as it should be, until it is stopped.

    A server that ends is started again at once, one that hangs is restarted, and what was interrupted is completed.
    The command line needs no such process. Ctrl-C or SIGTERM ends it; servers go on. SIGHUP lets it look at everything.
    """
    import asyncio

    from addonkit.util.stdout import redirect_stdout

    if invocation.json:
        raise click.UsageError("serve has no end, so it does not go with --json")
    redirect_stdout()
    asyncio.run(_serve(invocation))


async def _serve(invocation: Invocation) -> None:
    import asyncio
    import signal
    from contextlib import suppress

    from addonkit.cli.service_manager import tell_service_manager
    from addonkit.cli.streams import write

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with invocation.open(heal=False) as kit:
        keeper = kit.keeper(write)
        loop.add_signal_handler(signal.SIGHUP, keeper.look)
        keeping = asyncio.create_task(keeper.run())
        write(f"serving {kit.home}")
        tell_service_manager("READY=1")
        await _first(keeping, asyncio.create_task(stop.wait()))
        tell_service_manager("STOPPING=1")
        write("stopping; servers go on")
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def _first(*tasks: asyncio.Task[object]) -> None:
    """Return when the first of the tasks ends."""
    import asyncio

    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
