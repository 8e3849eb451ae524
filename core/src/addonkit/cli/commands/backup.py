"""`addonkit backup`: archives of an instance's data, proved by restoring them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import dry_run_option, group, show_help, subcommand, yes_option
from addonkit.cli.commands.backup_schedules import prune, schedule, schedules
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, Name, app_option, instance_argument
from addonkit.cli.prompts import confirm

if TYPE_CHECKING:
    from addonkit.kit.backups import Verification
    from addonkit.kit.kit import Kit
    from addonkit.models.backup import Backup

_AGAIN = "run the same command again; it undoes a half-done attempt first"


@group(
    "backup",
    examples=(
        "addonkit backup create shop-postgresql     write one, and prove that it can be restored",
        "addonkit backup list",
        "addonkit backup verify --all",
        'addonkit backup schedule shop-postgresql "0 3 * * *" --keep 7d4w12m',
        "addonkit backup key                         without it no backup opens: keep it elsewhere",
        "addonkit restore shop-postgresql            bring the newest one back",
    ),
    invoke_without_command=True,
)
@click.pass_context
def backup(ctx: click.Context) -> None:
    """Back up an instance, and prove that the backup can be restored.

    A backup is an encrypted file in a repository: the directory beside the home, or what ADDONKIT_BACKUPS names. It is
    verified once it was restored into an instance of its own that then held the same data.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(
    backup,
    "create",
    examples=(
        "addonkit backup create shop-postgresql",
        "addonkit backup create postgresql -a shop",
        "addonkit backup create shop-postgresql --dry-run     what would be done",
    ),
)
@instance_argument()
@app_option(required=False, help=INSTANCE_OF_APP)
@click.option("--no-verify", is_flag=True, help="Do not restore it; nothing then says that it can be restored.")
@click.option("--dry-run", is_flag=True, help="Show the steps; change nothing.")
@click.pass_obj
def create(invocation: Invocation, instance: str, app: str | None, no_verify: bool, dry_run: bool) -> None:
    """Write a backup, restore it into an instance of its own, and compare.

    The instance is read in one moment, and apps may go on writing. Fails when the backup cannot be written, or cannot
    be restored to the same data.
    """
    from addonkit.cli.render import backups, json, plans

    verify = not no_verify
    if dry_run:
        plan = with_kit(invocation, lambda kit: kit.backups.plan_create(instance, app, verify=verify))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    made, url, new_key = with_kit(invocation, lambda kit: _create(kit, instance, app, verify=verify), hint=_AGAIN)
    document = {**backups.backup_json(made), "key_made": new_key}
    invocation.answer(document, backups.created_text(made, url, new_key=new_key))


@subcommand(backup, "list", examples=("addonkit backup list", "addonkit backup list shop-postgresql --json"))
@instance_argument(required=False)
@app_option(required=False, help=INSTANCE_OF_APP)
@click.pass_obj
def list_(invocation: Invocation, instance: str | None, app: str | None) -> None:
    """List backups, of one instance or of all, oldest first.

    Those of an instance that does not exist any more are found by the full name that it had.
    """
    from addonkit.cli.render import backups

    found, url = with_kit(invocation, lambda kit: _list(kit, instance, app))
    document = {"repository": url, "backups": [backups.backup_json(each) for each in found]}
    invocation.answer(document, backups.backups_text(found, url))


@subcommand(
    backup,
    "verify",
    examples=(
        "addonkit backup verify shop-postgresql                       its newest one",
        "addonkit backup verify shop-postgresql/20261126T030000Z-9f3a1c07",
        "addonkit backup verify --all",
    ),
)
@click.argument("backup", metavar="[BACKUP]", type=Name("backup"), required=False)
@click.option("--all", "everything", is_flag=True, help="All backups of the repository.")
@dry_run_option()
@click.pass_obj
def verify(invocation: Invocation, backup: str | None, everything: bool, dry_run: bool) -> None:
    """Restore a backup into an instance of its own, compare, and remove that again.

    BACKUP is a name that `addonkit backup list` shows, an instance whose newest one is meant, or a file.
    """
    from addonkit.cli.render import backups, json, plans

    if (backup is None) != everything:
        raise click.UsageError("give a BACKUP, or --all")
    if dry_run:
        plan = with_kit(invocation, lambda kit: kit.backups.plan_verify(backup or ""))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    found = with_kit(invocation, lambda kit: _verify(kit, backup), hint=_AGAIN)
    document = {"backups": [backups.verification_json(each) for each in found]}
    invocation.answer(document, "\n".join(backups.verification_text(each) for each in found) or "there are no backups")
    if any(each.fault for each in found):
        raise click.exceptions.Exit(1)


@subcommand(backup, "delete", examples=("addonkit backup delete shop-postgresql/20261126T030000Z-9f3a1c07",))
@click.argument("backup", type=Name("backup"))
@yes_option("Do not ask.")
@dry_run_option()
@click.pass_obj
def delete(invocation: Invocation, backup: str, yes: bool, dry_run: bool) -> None:
    """Delete a backup for good."""
    from addonkit.cli.render import backups, json, plans

    if dry_run:
        plan = with_kit(invocation, lambda kit: kit.backups.plan_delete(backup))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    found = with_kit(invocation, lambda kit: kit.backups.find(backup, files=False))
    if not yes:
        shown = backups.backups_text((found,), "")
        confirm(f"cannot delete backup {found.name}", shown, "Delete it for good?", json=invocation.json)
    with_kit(invocation, lambda kit: kit.backups.delete(found.name))
    invocation.answer({"backup": found.name, "state": "deleted"}, f"{found.name} is deleted")


@subcommand(
    backup,
    "key",
    examples=("addonkit backup key", "addonkit backup key --add < key.txt       open backups of another home"),
)
@click.option("--add", is_flag=True, help="Take a key from stdin, to open backups of another home.")
@click.pass_obj
def key(invocation: Invocation, add: bool) -> None:
    """Print the key that opens the backups, to be kept somewhere else.

    It is an age identity. Without it, and without the home, no backup opens. ADDONKIT_BACKUP_RECIPIENTS names further
    age public keys, whose owners can then open new backups too.
    """
    if add:
        from addonkit.cli.prompts import fill_in

        identity = fill_in({"the key": None})["the key"]
        with_kit(invocation, lambda kit: kit.backups.add_key(identity))
        invocation.answer({"state": "added"}, "backups of that key can be opened here")
        return
    identity, recipients = with_kit(invocation, _key)
    lines = (f"# public key: {recipients[0]}", *(f"# also opened by: {each}" for each in recipients[1:]), identity)
    invocation.answer({"key": identity, "recipients": [*recipients]}, "\n".join(lines))


for each in (schedule, schedules, prune):
    backup.add_command(each)


async def _create(kit: Kit, instance: str, app: str | None, *, verify: bool) -> tuple[Backup, str, bool]:
    new = await kit.backups.ensure_key()
    return await kit.backups.create(instance, app, verify=verify), kit.backups.url, new


async def _list(kit: Kit, instance: str | None, app: str | None) -> tuple[tuple[Backup, ...], str]:
    return await kit.backups.list(instance or "", app), kit.backups.url


async def _verify(kit: Kit, name: str | None) -> tuple[Verification, ...]:
    return await kit.backups.verify_all() if name is None else (await kit.backups.try_verify(name),)


async def _key(kit: Kit) -> tuple[str, tuple[str, ...]]:
    identity, _new = await kit.backups.key()
    return identity, await kit.backups.recipients()
