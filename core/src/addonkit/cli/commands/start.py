"""`addonkit start`: servers that were stopped run again."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation
from addonkit.cli.power import Choice, change_power, chooses_servers


@command(
    "start",
    examples=(
        "addonkit start shop-postgresql",
        "addonkit start -a shop",
        "addonkit start --all",
    ),
)
@chooses_servers(asks=False)
@click.pass_obj
def start(invocation: Invocation, instance: str | None, app: str | None, everything: bool) -> None:
    """Start servers that were stopped, and wait until they answer."""
    choice = Choice(instance, app, everything)
    change_power(invocation, choice, "start", "running", lambda kit, target: kit.start(target))
