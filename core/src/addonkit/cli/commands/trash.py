"""`addonkit trash`: what was destroyed and can be brought back."""

from __future__ import annotations

import click

from addonkit.cli.command import dry_run_option, group, show_help, subcommand, yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import Name, app_option
from addonkit.cli.prompts import confirm


@group(
    "trash",
    examples=(
        "addonkit trash list",
        "addonkit undestroy shop-postgresql       bring it back",
        "addonkit trash delete shop-postgresql    remove its final backup as well",
    ),
    invoke_without_command=True,
)
@click.pass_context
def trash(ctx: click.Context) -> None:
    """List what was destroyed and can be brought back.

    Each entry is a verified final backup. It is removed after a week, or after what ADDONKIT_TRASH said when the
    instance was destroyed.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(trash, "list", examples=("addonkit trash list", "addonkit trash list --json"))
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List what can be brought back, oldest first."""
    from addonkit.cli.render.trash import trash_text, trashed_json

    found = with_kit(invocation, lambda kit: kit.trash.list())
    invocation.answer({"trash": [trashed_json(each) for each in found]}, trash_text(found))


@subcommand(trash, "delete", examples=("addonkit trash delete shop-postgresql",))
@click.argument("instance", type=Name("trash"))
@app_option(required=False, help="The app that had it; INSTANCE may then be its alias or its addon there.")
@yes_option("Do not ask.")
@dry_run_option()
@click.pass_obj
def delete(invocation: Invocation, instance: str, app: str | None, yes: bool, dry_run: bool) -> None:
    """Remove what was destroyed for good, with its final backup. Other backups of it stay."""
    from addonkit.cli.render import json, plans
    from addonkit.cli.render.trash import trash_text

    if dry_run:
        plan = with_kit(invocation, lambda kit: kit.trash.plan_delete(instance, app))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    found = with_kit(invocation, lambda kit: kit.trash.find(instance, app))
    name = found.backup.name
    if not yes:
        confirm(f"cannot delete {name}", trash_text((found,)), "Delete it for good?", json=invocation.json)
    with_kit(invocation, lambda kit: kit.trash.delete(name))
    invocation.answer({"instance": found.name, "backup": name, "state": "deleted"}, f"{name} is deleted")
