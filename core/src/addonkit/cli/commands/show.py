"""`addonkit show`: everything about one instance."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument


@command("show", examples=("addonkit show shop-postgresql", "addonkit show postgresql -a shop"))
@instance_argument()
@app_option(required=False, help=INSTANCE_OF_APP)
@click.pass_obj
def show(invocation: Invocation, instance: str, app: str | None) -> None:
    """Show one instance: state, server, apps, names of variables."""
    from addonkit.cli.render import json, text

    view = with_kit(invocation, lambda kit: kit.show(instance, app))
    invocation.answer(json.view_json(view), text.instance_text(view))
