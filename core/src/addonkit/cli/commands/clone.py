"""`addonkit clone`: a copy of an instance, for another app."""

from __future__ import annotations

from typing import TextIO

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import Name, instance_argument


@command(
    "clone",
    examples=(
        "addonkit clone shop-postgresql -a trial",
        "addonkit clone shop-postgresql -a shop --into shop-copy",
        "addonkit clone shop-postgresql -a trial --transform mask.sql     without the names of people",
    ),
)
@instance_argument()
@click.option(
    "-a", "--app", "owner", metavar="APP", type=Name("app"), required=True, help="The app that gets the copy."
)
@click.option("--into", metavar="NAME", default="", help="The name of the copy; APP-ADDON by default.")
@click.option("--transform", metavar="FILE", type=click.File(), help="SQL that changes the copy before an app gets it.")
@click.option("--verify", is_flag=True, help="Read and compare all data, also where the server itself makes the copy.")
@click.option("--dry-run", is_flag=True, help="Show the steps; change nothing.")
@click.pass_obj
def clone(
    invocation: Invocation,
    instance: str,
    owner: str,
    into: str,
    transform: TextIO | None,
    verify: bool,
    dry_run: bool,
) -> None:
    """Copy an instance with its data, for another app.

    The copy is compared with the original before an app gets it. The original is only read, and apps may go on writing.
    """
    from addonkit.cli.render import json, plans

    script = transform.read() if transform else ""
    if dry_run:
        plan = with_kit(invocation, lambda kit: kit.moves.plan_clone(instance, owner, new=into, script=script))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    hint = "run the same command again; it undoes a half-done attempt first"
    made = with_kit(
        invocation,
        lambda kit: kit.moves.clone(instance, owner, new=into, script=script, verify=verify),
        hint=hint,
    )
    invocation.answer(json.instance_json(made), f"{made.name} of app {made.app} has the data of {instance}")
