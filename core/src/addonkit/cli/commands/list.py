"""`addonkit list`: the instances there are."""

from __future__ import annotations

import click

from addonkit.cli.command import app_option, command
from addonkit.cli.running import with_kit
from addonkit.cli.session import Session


@command("list", examples=("addonkit list", "addonkit list -a shop", "addonkit list --json"))
@app_option(required=False, help="Only instances of this app.")
@click.pass_obj
def list(session: Session, app: str | None) -> None:
    """List instances: their apps, their state, their servers."""
    from addonkit.cli import output, texts

    views = with_kit(session, lambda kit: kit.instances(app))
    session.answer({"instances": [output.view_json(view) for view in views]}, texts.instances_text(views))
