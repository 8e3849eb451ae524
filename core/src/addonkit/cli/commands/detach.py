"""`addonkit detach`: an app no longer receives the variables of an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command, dry_run_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option, instance_argument

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.instance import Instance


@command("detach", examples=("addonkit detach shop-postgresql -a reports",))
@instance_argument()
@app_option()
@dry_run_option()
@click.pass_obj
def detach(invocation: Invocation, instance: str, app: str, dry_run: bool) -> None:
    """Take an instance's variables from an app.

    The instance and its data stay; see addonkit destroy. Credentials of the app's own are revoked and their sessions
    end. Where all apps of an instance share one login, an app that kept it can still use it.
    """
    if dry_run:
        from addonkit.cli.render import json, plans

        plan = with_kit(invocation, lambda kit: kit.plan_detach(instance, app))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return

    async def work(kit: Kit) -> tuple[Instance, tuple[str, ...]]:
        found = (await kit.show(instance, app)).instance
        return found, await kit.detach(instance, app)

    from addonkit.cli.render.table import wrap

    again, back = f"addonkit detach {instance} -a {app}", f"addonkit attach {instance} -a {app}"
    hint = f"run `{again}` to continue, or `{back}` to undo it"
    found, gone = with_kit(invocation, work, hint=hint)
    name = found.name
    document = {"instance": name, "app": app, "gone": list(gone)}
    lost = wrap(f"{app} no longer receives {', '.join(gone)}") if gone else f"{app} receives no variables from it"
    invocation.answer(document, f"{name} is detached from {app}; it and its data stay\n{lost}{_kept(found)}")


def _kept(instance: Instance) -> str:
    """Return what an app keeps: instances on servers have one login for all their apps."""
    return (
        f"\nall apps of {instance.name} share one login; it works until the instance is destroyed"
        if instance.server
        else ""
    )
