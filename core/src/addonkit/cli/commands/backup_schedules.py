"""`addonkit backup schedule`, `schedules` and `prune`: backups that are made by themselves, and which of them stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command, dry_run_option, yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument
from addonkit.cli.prompts import confirm

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.kit.schedules import Schedule

_KEEP = "Backups that stay: one for each of so many hours, days, weeks, months, years, as 7d4w12m."


@command(
    "schedule",
    examples=(
        'addonkit backup schedule shop-postgresql "0 3 * * *"                    every night at three',
        'addonkit backup schedule shop-postgresql "0 3 * * *" --keep 7d4w12m',
        "addonkit backup schedule shop-postgresql --off",
    ),
)
@instance_argument()
@click.argument("cron", required=False)
@app_option(required=False, help=INSTANCE_OF_APP)
@click.option("--keep", metavar="PERIODS", default="", help=_KEEP)
@click.option("--off", is_flag=True, help="Back it up no longer; backups that there are stay.")
@dry_run_option()
@click.pass_obj
def schedule(
    invocation: Invocation, instance: str, cron: str | None, app: str | None, keep: str, off: bool, dry_run: bool
) -> None:
    """Back an instance up at certain times, and verify each backup.

    CRON is minute, hour, day of the month, month and day of the week, in local time. `addonkit serve` makes the
    backups; a time that was missed is made up for once. Without --keep all of them stay. A backup that fails is tried
    again after a minute, then after longer. `addonkit list` and `addonkit doctor` show what is wrong.
    """
    from addonkit.cli.render import json, plans
    from addonkit.cli.render import schedules as render

    if (cron is None) != off or (off and keep):
        raise click.UsageError("give a CRON expression, or --off alone")
    if dry_run:
        plan = with_kit(invocation, lambda kit: kit.schedules.plan(instance, cron or "", app, keep=keep))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    if cron is None:
        name = with_kit(invocation, lambda kit: kit.schedules.clear(instance, app))
        invocation.answer({"instance": name, "cron": None}, f"{name} is backed up no longer; its backups stay")
        return
    made = with_kit(invocation, lambda kit: kit.schedules.set(instance, cron, app, keep=keep))
    invocation.answer(render.schedule_json(made), render.scheduled_text(made))


@command("schedules", examples=("addonkit backup schedules", "addonkit backup schedules --json"))
@click.pass_obj
def schedules(invocation: Invocation) -> None:
    """List when instances are backed up."""
    from addonkit.cli.render import schedules as render

    found: tuple[Schedule, ...] = with_kit(invocation, lambda kit: kit.schedules.list())
    document = {"schedules": [render.schedule_json(each) for each in found]}
    invocation.answer(document, render.schedules_text(found))


@command(
    "prune",
    examples=(
        "addonkit backup prune shop-postgresql --keep 7d4w12m --dry-run     what would be deleted",
        "addonkit backup prune shop-postgresql                              as its schedule says",
    ),
)
@instance_argument()
@app_option(required=False, help=INSTANCE_OF_APP)
@click.option("--keep", metavar="PERIODS", default="", help=_KEEP)
@yes_option("Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted; change nothing.")
@click.pass_obj
def prune(invocation: Invocation, instance: str, app: str | None, keep: str, yes: bool, dry_run: bool) -> None:
    """Delete backups of an instance that need not stay.

    The newest verified backup always stays, and so does what is newer. Without --keep the schedule of the instance says
    which stay.
    """
    from addonkit.cli.render import backups

    found = with_kit(invocation, lambda kit: kit.schedules.plan_prune(instance, app, keep=keep))
    document = {"deleted": [backups.backup_json(each) for each in found], "dry_run": dry_run}
    shown = backups.backups_text(found, "") if found else "nothing is to be deleted"
    if dry_run or not found:
        invocation.answer(document, f"{shown}\nno changes made" if found else shown)
        return
    if not yes:
        confirm("cannot delete backups", shown, "Delete them for good?", json=invocation.json)
    deleted = with_kit(invocation, lambda kit: _prune(kit, instance, app, keep))
    invocation.answer(document, f"{deleted:,} {'backup is' if deleted == 1 else 'backups are'} deleted")


async def _prune(kit: Kit, instance: str, app: str | None, keep: str) -> int:
    return len(await kit.schedules.prune(instance, app, keep=keep))
