"""`addonkit restore`: data come back from a backup, into a new place that is proved before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, Name, app_option, instance_argument

if TYPE_CHECKING:
    from addonkit.kit.backups import Restored
    from addonkit.kit.kit import Kit


@command(
    "restore",
    examples=(
        "addonkit restore shop-postgresql                         from its newest backup",
        "addonkit restore shop-postgresql --from shop-postgresql/20261126T030000Z-9f3a1c07",
        "addonkit restore shop-postgresql --into shop-trial -a trial",
        "addonkit restore shop-postgresql --from ./copy.tar.zst.age --key key.txt",
        "addonkit rollback shop-postgresql                        use the data from before again",
    ),
)
@instance_argument()
@app_option(required=False, help=f"{INSTANCE_OF_APP} With --into: the app that gets the new instance.")
@click.option("--from", "source", metavar="BACKUP", type=Name("backup"), default="", help="A backup, or a file.")
@click.option("--into", metavar="NAME", default="", help="Leave the instance alone, and restore into a new one.")
@click.option("--key", "key_file", metavar="FILE", type=click.File(), help="The age identity that opens the backup.")
@click.option("--dry-run", is_flag=True, help="Show the steps; change nothing.")
@click.pass_obj
def restore(
    invocation: Invocation,
    instance: str,
    app: str | None,
    source: str,
    into: str,
    key_file: TextIO | None,
    dry_run: bool,
) -> None:
    """Bring the data of an instance back from a backup.

    The data go into a new place and are compared with the backup there. Only then apps use them, under the same names
    of variables; a running app has to be restarted. The former data are kept for a week: `addonkit rollback`
    takes it back. Works also when the instance and its app do not exist any more.
    """
    from addonkit.cli.render import backups, json, plans

    identity = key_file.read() if key_file else ""
    if dry_run:
        plan = with_kit(
            invocation, lambda kit: kit.backups.plan_restore(instance, backup=source, into=into, app=app, key=identity)
        )
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    hint = "run the same command again; until it has ended, apps use what they used before"
    done = with_kit(invocation, lambda kit: _restore(kit, instance, app, source, into, identity), hint=hint)
    invocation.answer(backups.restored_json(done), backups.restored_text(done))


async def _restore(kit: Kit, instance: str, app: str | None, source: str, into: str, identity: str) -> Restored:
    if identity:
        await kit.backups.add_key(identity)
    return await kit.backups.restore(instance, backup=source, into=into, app=app)
