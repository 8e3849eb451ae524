"""`addonkit restart`: servers are stopped and started again."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation
from addonkit.cli.power import Choice, change_power, chooses_servers


@command(
    "restart",
    examples=(
        "addonkit restart shop-postgresql",
        "addonkit restart -a shop --yes",
        "addonkit restart --all --yes      after an update of the programs",
    ),
)
@chooses_servers()
@click.pass_obj
def restart(invocation: Invocation, instance: str | None, app: str | None, everything: bool, yes: bool) -> None:
    """Restart servers, with the programs that are installed now.

    Use it after an update, and for a server that does not answer. Apps lose their connections for a moment.
    """
    choice = Choice(instance, app, everything)
    change_power(invocation, choice, "restart", "restarted", lambda kit, target: kit.restart(target), yes=yes)
