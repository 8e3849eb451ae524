"""`addonkit rollback`: what a restore, change or upgrade has taken the place of is used again."""

from __future__ import annotations

import click

from addonkit.cli.command import command, dry_run_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument


@command("rollback", examples=("addonkit rollback shop-postgresql", "addonkit rollback postgresql -a shop"))
@instance_argument()
@app_option(required=False, help=INSTANCE_OF_APP)
@dry_run_option()
@click.pass_obj
def rollback(invocation: Invocation, instance: str, app: str | None, dry_run: bool) -> None:
    """Put back what a restore, change or upgrade has taken the place of.

    Data that were written since are not in it. The data that serve now are kept for a week in
    their turn, so the same command takes them back.
    """
    from addonkit.cli.render.json import instance_json, plan_json
    from addonkit.cli.render.plans import plan_text

    if dry_run:
        plan = with_kit(invocation, lambda kit: kit.backups.plan_rollback(instance, app))
        invocation.answer(plan_json(plan), plan_text(plan))
        return
    served = with_kit(invocation, lambda kit: kit.backups.rollback(instance, app), hint="run the same command again")
    undo = f"`addonkit rollback {served.name}` undoes it"
    text = f"{served.name} has its former data again; restart apps that use it\n{undo}"
    invocation.answer(instance_json(served), text)
