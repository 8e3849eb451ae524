"""`addonkit attach`: an instance that exists, for one more app."""

from __future__ import annotations

import click

from addonkit.cli.command import alias_option, command, dry_run_option, socket_option
from addonkit.cli.commands.create import show_binding
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option, completes, instance_argument


@command(
    "attach",
    examples=(
        "addonkit attach shop-postgresql -a reports",
        "addonkit attach shop-postgresql -a reports --as shop    its variables: SHOP_DATABASE_URL, ...",
        "addonkit attach shop-postgresql -a reports --role read-only    it can change nothing",
    ),
)
@instance_argument()
@app_option(help="The app that is to receive its variables; made when it is new.")
@alias_option("A name for it in the app; its variables get the name as prefix.")
@socket_option
@click.option(
    "--role",
    default="",
    shell_complete=completes("role"),
    help="Rights of the app; `addonkit variants ADDON` lists the roles.",
)
@dry_run_option()
@click.pass_obj
def attach(
    invocation: Invocation, instance: str, app: str, alias: str, role: str, *, socket: bool, dry_run: bool
) -> None:
    """Give an app the variables of an instance that exists."""
    if dry_run:
        from addonkit.cli.render import json, plans

        plan = with_kit(invocation, lambda kit: kit.plan_attach(instance, app, alias=alias, socket=socket, role=role))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    binding = with_kit(
        invocation,
        lambda kit: kit.attach(instance, app, alias=alias, socket=socket, role=role),
        hint=f"run `addonkit retry {instance}` to continue, or `addonkit detach {instance} -a {app}` to undo it",
    )
    show_binding(invocation, binding, waited=True)
