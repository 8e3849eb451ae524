"""`addonkit serve`: a process that keeps servers running and keeps schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import listen_options
from addonkit.errors import AddonkitError

if TYPE_CHECKING:
    import asyncio

    from addonkit.controller.keeper import Keeper
    from addonkit.models.execution import Event
    from addonkit.server.listeners import Listening
    from addonkit.server.runner import OperationRunner
    from addonkit.server.service import HttpService

_EXAMPLES: Final = (
    "addonkit serve",
    "addonkit serve --listen 127.0.0.1:8700      the API over TCP as well",
    "addonkit service install                    the same as serve, begun by systemd",
)


FILES: Final = 8192
"""Files that may be open at the same time, where the machine allows it."""


@command("serve", examples=_EXAMPLES)
@listen_options
@click.pass_obj
def serve(invocation: Invocation, listen: str, tls_cert: str, tls_key: str, hosts: tuple[str, ...]) -> None:
    """Keep servers running, keep schedules, and answer over HTTP.

    A server that ends is started again at once, one that hangs is restarted, and what was interrupted is completed.
    Programs ask for the same as people through the Unix socket api.sock in the home, which speaks HTTP.
    The command line needs no such process. Ctrl-C or SIGTERM ends it; servers keep running. SIGHUP lets it look at
    everything, and read the certificate anew.
    """
    import asyncio

    from addonkit.server.listeners import Listening
    from addonkit.util.stdout import redirect_stdout

    if invocation.json:
        raise click.UsageError("serve has no end, so it does not go with --json")
    listening = Listening.parse(listen, tls_cert, tls_key, hosts)
    redirect_stdout()
    _open_many_files()
    asyncio.run(_serve(invocation, listening))


def _open_many_files() -> None:
    """Raise the limit of open files as far as is allowed: each server takes one, and each connection."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(invocation: Invocation, listening: Listening) -> None:
    import asyncio
    import signal

    from addonkit.cli.service_manager import tell_service_manager
    from addonkit.cli.streams import write
    from addonkit.server.metrics import Metrics
    from addonkit.server.runner import OperationRunner
    from addonkit.server.service import serving
    from addonkit.server.telemetry import tracing
    from addonkit.util.concurrency import end

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runners: list[OperationRunner] = []

    def take(event: Event) -> None:
        for each in runners:
            each.take(event)

    with tracing() as traces:
        async with invocation.open(heal=False, on_event=take) as kit:
            keeper = kit.keeper(write)
            metrics = Metrics(kit, lambda: keeper.restarts)
            runner = OperationRunner(kit, metrics, traces)
            runners.append(runner)
            keeping = asyncio.create_task(keeper.run())
            try:
                write(f"serving {kit.home}")
                async with serving(kit, runner, metrics, listening, write) as service:
                    loop.add_signal_handler(signal.SIGHUP, _reload, keeper, service)
                    tell_service_manager("READY=1")
                    await _first(keeping, asyncio.create_task(stop.wait()))
                    tell_service_manager("STOPPING=1")
                    write("stopping; servers keep running")
            finally:
                await end(keeping)


def _reload(keeper: Keeper, service: HttpService) -> None:
    from addonkit.cli.streams import echo_err

    keeper.wake()
    try:
        service.reload()
    except AddonkitError as error:
        echo_err(f"error: {error}")


async def _first(*tasks: asyncio.Task[object]) -> None:
    """Return when the first of the tasks ends."""
    import asyncio

    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
