"""`addonkit show`: everything about one instance."""

from __future__ import annotations

import click

from addonkit.cli.command import app_option, command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation


@command("show", examples=("addonkit show shop-postgresql", "addonkit show postgresql -a shop"))
@click.argument("instance")
@app_option(required=False, help="With an app, INSTANCE may also be its alias or its addon there.")
@click.pass_obj
def show(invocation: Invocation, instance: str, app: str | None) -> None:
    """Show one instance: state, server, apps, names of variables."""
    from addonkit.cli.render import json, text

    view = with_kit(invocation, lambda kit: kit.show(instance, app))
    invocation.answer(json.view_json(view), text.instance_text(view))
