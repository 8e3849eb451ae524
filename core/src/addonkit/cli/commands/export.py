"""`addonkit export`: the data of an instance go into a file."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument


@command(
    "export",
    examples=(
        "addonkit export shop-postgresql -o shop.tar.zst.age",
        "addonkit import --from shop.tar.zst.age --into trial-postgresql -a trial",
    ),
)
@instance_argument()
@app_option(required=False, help=INSTANCE_OF_APP)
@click.option("-o", "--output", "file", metavar="FILE", required=True, help="The file; it must not exist yet.")
@click.option("--dry-run", is_flag=True, help="Show the steps; change nothing.")
@click.pass_obj
def export(invocation: Invocation, instance: str, app: str | None, file: str, dry_run: bool) -> None:
    """Write the data of an instance into a file.

    The file is a backup: encrypted, and opened by `addonkit backup key`. Apps may go on writing meanwhile. The file
    appears when it is whole.
    """
    from addonkit.cli.render import backups, json, plans

    if dry_run:
        plan = with_kit(invocation, lambda kit: kit.moves.plan_export(instance, file, app))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    made = with_kit(invocation, lambda kit: kit.moves.export(instance, file, app), hint="run the same command again")
    invocation.answer(backups.backup_json(made), backups.exported_text(made))
