"""`addonkit logs`: what a server wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument

_MOST: Final = 1_000_000
"""Lines that are looked at for those since a time."""

if TYPE_CHECKING:
    from addonkit.util.log_tail import LogTail


@command(
    "logs",
    examples=(
        "addonkit logs shop-postgresql",
        "addonkit logs postgresql -a shop -n 200 -f",
        "addonkit logs shop-postgresql --since 10m",
    ),
)
@instance_argument()
@app_option(required=False, help=INSTANCE_OF_APP)
@click.option(
    "-n", "--lines", metavar="N", type=click.IntRange(min=0), default=50, show_default=True, help="The last N lines."
)
@click.option("--since", metavar="TIME", help="Only lines since then: 10m, 2h, 1d ago, or 2026-11-27T10:00.")
@click.option("-f", "--follow", is_flag=True, help="Follow the log until Ctrl-C.")
@click.pass_obj
def logs(
    invocation: Invocation, instance: str, app: str | None, lines: int, since: str | None, *, follow: bool
) -> None:
    """Show the log of an instance's server.

    Instances that share a server share its log.
    """
    from addonkit.cli.streams import clean
    from addonkit.util.log_tail import LogTail

    if follow and invocation.json:
        raise click.UsageError("--follow has no end, so it does not go with --json")
    path = with_kit(invocation, lambda kit: kit.log_path(instance, app))
    number = _MOST if since else lines
    reader = LogTail(path) if path else None
    if reader is None:
        _check_end(instance, follow=follow)
        found = list(with_kit(invocation, lambda kit: kit.log_lines(instance, app, lines=number)))
    else:
        found = reader.last(number)
    shown = _since(found, since) if since else found
    invocation.answer({"path": path or None, "lines": shown}, "\n".join(clean(line) for line in shown))
    if follow and reader is not None:
        _follow(invocation, reader)


def _check_end(instance: str, *, follow: bool) -> None:
    """Refuse to follow the log of another machine.

    Raises:
        InvalidInput: it is asked for.
    """
    from addonkit.errors import InvalidInput

    if follow:
        found = "a service gives what there is by now"
        raise InvalidInput(f"cannot follow the log of {instance}", found, "leave out `--follow`")


def _since(lines: list[str], since: str) -> list[str]:
    from datetime import UTC, datetime

    from addonkit.cli.log_times import lines_since, since_time

    return lines_since(lines, since_time(since, datetime.now(UTC)))


def _follow(invocation: Invocation, reader: LogTail) -> None:
    from time import sleep

    from addonkit.cli.streams import clean, write
    from addonkit.util.log_tail import INTERVAL

    invocation.hint = "the log continues"
    while True:
        for line in reader.more():
            write(clean(line))
        sleep(INTERVAL)
