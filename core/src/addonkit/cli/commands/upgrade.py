"""`addonkit upgrade`: an instance moves to a server of a newer version."""

from __future__ import annotations

import click

from addonkit.cli.changing import Wanted, carry_out, change_options
from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, Name, app_option, instance_argument


@command(
    "upgrade",
    examples=(
        "addonkit upgrade shop-postgresql --rehearse          try it on a copy",
        "addonkit upgrade shop-postgresql --to 18",
        "addonkit upgrade shop-postgresql --confirm           remove the old place now",
        "addonkit rollback shop-postgresql                    use the old place again",
    ),
)
@instance_argument()
@click.option(
    "--to", "version", metavar="VERSION", type=Name("version"), default="", help="Default is the newest one here."
)
@app_option(required=False, help=INSTANCE_OF_APP)
@change_options
@click.pass_obj
def upgrade(
    invocation: Invocation,
    instance: str,
    version: str,
    app: str | None,
    *,
    rehearse: bool,
    confirm: bool,
    dry_run: bool,
) -> None:
    """Move an instance to a server of a newer version.

    The data are copied to a new server, or to the shared server of that version, and compared. Apps cannot write from
    the moment the copy begins; then all of them get the new variables at once, and have to be restarted. The old place
    is kept for a week. `addonkit addons` lists the versions that are here.
    """
    wanted = Wanted("upgrade", instance, version, app)
    carry_out(invocation, wanted, rehearse=rehearse, confirm=confirm, dry_run=dry_run)
