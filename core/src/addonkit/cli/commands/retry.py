"""`addonkit retry`: resumes what failed or was interrupted."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument


@command("retry", examples=("addonkit retry shop-postgresql", "addonkit retry postgresql -a shop"))
@instance_argument()
@app_option(required=False, help=INSTANCE_OF_APP)
@click.pass_obj
def retry(invocation: Invocation, instance: str, app: str | None) -> None:
    """Resume an instance that failed or was interrupted.

    Whatever was asked for last is completed: its creation, its attachment, its destruction.
    """
    from addonkit.cli.render import json, text
    from addonkit.models.instance import Phase

    where = f" -a {app}" if app else ""
    hint = f"run the same command again to continue, or `addonkit destroy {instance}{where}` to undo it"
    view = with_kit(invocation, lambda kit: kit.retry(instance, app), hint=hint)
    gone = view.instance.phase is Phase.DEPROVISIONING  # reconciled, and not there any more
    shown = text.instance_text if invocation.verbose else text.retried_text
    invocation.answer(json.view_json(view), f"{view.instance.name} is gone" if gone else shown(view))
