"""`addonkit stop`: servers are stopped, and stay stopped."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation
from addonkit.cli.power import Choice, change_power, chooses_servers


@command(
    "stop",
    examples=(
        "addonkit stop shop-postgresql",
        "addonkit stop -a shop             all servers of an app",
        "addonkit stop --all               before the machine is switched off",
    ),
)
@chooses_servers()
@click.pass_obj
def stop(invocation: Invocation, instance: str | None, app: str | None, everything: bool, yes: bool) -> None:
    """Stop servers. Their data stay.

    A stopped server stays stopped until `addonkit start` or a new instance on it starts it. A server that does
    not end when asked is killed after a time.
    """
    choice = Choice(instance, app, everything)
    change_power(invocation, choice, "stop", "stopped", lambda kit, target: kit.stop(target), yes=yes)
