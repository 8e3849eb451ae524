"""`addonkit import`: data come from a file, or from another server."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument

if TYPE_CHECKING:
    from addonkit.kit.backups import Restored
    from addonkit.kit.kit import Kit


@command(
    "import",
    examples=(
        "addonkit import shop-postgresql --from shop.tar.zst.age",
        "addonkit import --from shop.tar.zst.age --into trial-postgresql -a trial",
        "addonkit import shop-postgresql --from other.tar.zst.age --key key.txt",
        "addonkit import shop-postgresql --from shop.dump                 what pg_dump -Fc wrote",
        "addonkit import shop-postgresql --from postgresql://user:password@db.example.org/shop",
    ),
)
@instance_argument(required=False)
@app_option(required=False, help=f"{INSTANCE_OF_APP} With --into: the app that gets the new instance.")
@click.option("--from", "file", metavar="FILE|URL", required=True, help="A file, or the URL of a server.")
@click.option("--into", metavar="NAME", default="", help="Make a new instance of that name.")
@click.option("--key", "key_file", metavar="FILE", type=click.File(), help="The age identity that opens the file.")
@click.option("--dry-run", is_flag=True, help="Show the steps; change nothing.")
@click.pass_obj
def import_(
    invocation: Invocation,
    instance: str | None,
    app: str | None,
    file: str,
    into: str,
    key_file: TextIO | None,
    dry_run: bool,
) -> None:
    """Fill an empty instance from a file, or from another server.

    The data go into a new place, and those of an export or a backup are compared there. Only then apps use them. An
    instance that holds anything is left alone. The file or server is only read.
    """
    from addonkit.cli.render import backups, json, plans

    if bool(instance) == bool(into):
        raise click.UsageError("name either INSTANCE or --into NAME")
    identity = key_file.read() if key_file else ""
    if dry_run:
        plan = with_kit(
            invocation, lambda kit: kit.moves.plan_import(instance or "", file, into=into, app=app, key=identity)
        )
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    hint = "run the same command again; until it has ended, apps use what they used before"
    done = with_kit(invocation, lambda kit: _import(kit, instance or "", file, into, app, identity), hint=hint)
    invocation.answer(backups.restored_json(done), backups.restored_text(done))


async def _import(kit: Kit, instance: str, file: str, into: str, app: str | None, identity: str) -> Restored:
    if identity:
        await kit.backups.add_key(identity)
    return await kit.moves.import_(instance, file, into=into, app=app)
