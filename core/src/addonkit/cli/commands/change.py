"""`addonkit change`: an instance moves to another variant."""

from __future__ import annotations

import click

from addonkit.cli.changing import Wanted, carry_out, change_options
from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, completes, instance_argument


@command(
    "change",
    examples=(
        "addonkit change shop-postgresql shared --dry-run",
        "addonkit change shop-postgresql shared               to the server shared with other apps",
        "addonkit change shop-postgresql --confirm            remove the old place now",
        "addonkit rollback shop-postgresql                    use the old place again",
    ),
)
@instance_argument()
@click.argument("variant", metavar="[VARIANT]", default="", shell_complete=completes("variant"))
@app_option(required=False, help=INSTANCE_OF_APP)
@change_options
@click.pass_obj
def change(
    invocation: Invocation,
    instance: str,
    variant: str,
    app: str | None,
    *,
    rehearse: bool,
    confirm: bool,
    dry_run: bool,
) -> None:
    """Move an instance to another variant, with its data.

    Apps cannot write from the moment the copy begins until they use the new place: PostgreSQL closes their sessions,
    Valkey lets them read. The data are compared; then all apps get the new variables at once, and have to be restarted.
    The old place is kept for a week.
    """
    if not (variant or confirm):
        raise click.UsageError("name a variant; `addonkit variants ADDON` lists them")
    carry_out(invocation, Wanted("change", instance, variant, app), rehearse=rehearse, confirm=confirm, dry_run=dry_run)
