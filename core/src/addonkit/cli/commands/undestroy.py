"""`addonkit undestroy`: what was destroyed comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import Name, app_option

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.instance import Association, Instance


@command(
    "undestroy",
    examples=(
        "addonkit undestroy shop-postgresql",
        "addonkit undestroy postgresql -a shop",
        "addonkit undestroy shop-postgresql/20261126T030000Z-9f3a1c07   one that was destroyed before that",
        "addonkit undestroy shop-postgresql --into shop-before           where the name is taken",
        "addonkit undestroy --app shop                                   everything of an app that was removed",
    ),
)
@click.argument("instance", metavar="[INSTANCE]", type=Name("trash"), required=False)
@app_option(
    required=False,
    help="The app that had it; INSTANCE may then be its alias or its addon there. Without INSTANCE: everything of it.",
)
@click.option("--into", metavar="NAME", default="", help="Give it another name.")
@click.option("--dry-run", is_flag=True, help="Show the steps; change nothing.")
@click.pass_obj
def undestroy(invocation: Invocation, instance: str | None, app: str | None, into: str, dry_run: bool) -> None:
    """Bring back an instance that was destroyed, with its data and its apps.

    INSTANCE is the name that it had, or the name of its final backup, as `addonkit trash list` shows it. The data are
    compared with the backup before an app gets them. Apps have the variables under the names from before; what an app
    got since then keeps its own. With --app and no INSTANCE, all that `addonkit destroy --app` took comes back,
    variables set by hand included.
    """
    from addonkit.cli.render import json, plans, trash

    if instance is None:
        _undestroy_app(invocation, app, into=into, dry_run=dry_run)
        return
    if dry_run:
        plan = with_kit(invocation, lambda kit: kit.trash.plan_undestroy(instance, app, into=into))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    hint = "run the same command again; it undoes a half-done attempt first"
    served, ties = with_kit(invocation, lambda kit: _undestroy(kit, instance, app, into), hint=hint)
    apps = [{"app": tie.app, "alias": tie.alias, "variables": [each.key for each in tie.variables]} for tie in ties]
    invocation.answer({**json.instance_json(served), "apps": apps}, trash.undestroyed_text(served, ties))


def _undestroy_app(invocation: Invocation, app: str | None, *, into: str, dry_run: bool) -> None:
    """Everything of an app, which the user names: never the one that the environment names."""
    from addonkit.models.app import DefaultApp

    if app is None or isinstance(app, DefaultApp):
        raise click.UsageError("missing argument 'INSTANCE'; give -a APP to bring everything of an app back")
    if into:
        raise click.UsageError("--into goes with an INSTANCE only")
    if dry_run:
        from addonkit.cli.render import json, plans

        plan = with_kit(invocation, lambda kit: kit.trash.apps.plan_undestroy(app))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    hint = f"run `addonkit undestroy --app {app}` to continue"
    names = with_kit(invocation, lambda kit: _names(kit, app), hint=hint)
    back = f"app {app} is back" + (f", with {', '.join(names)}" if names else "")
    invocation.answer({"app": app, "instances": names}, back)


async def _names(kit: Kit, app: str) -> list[str]:
    return [each.name for each in await kit.trash.apps.undestroy(app)]


async def _undestroy(kit: Kit, instance: str, app: str | None, into: str) -> tuple[Instance, tuple[Association, ...]]:
    served = await kit.trash.undestroy(instance, app, into=into)
    return served, (await kit.show(served.name)).associations
