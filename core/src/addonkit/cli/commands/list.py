"""`addonkit list`: the instances there are."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option


@command("list", examples=("addonkit list", "addonkit list -a shop", "addonkit list --json"))
@app_option(required=False, help="Only instances of this app.")
@click.pass_obj
def list(invocation: Invocation, app: str | None) -> None:
    """List instances: their apps, their state, their servers."""
    from addonkit.cli.render import json, text

    views = with_kit(invocation, lambda kit: kit.instances(app))
    invocation.answer({"instances": [json.view_json(view) for view in views]}, text.instances_text(views))
