"""`addonkit show`: everything about one instance."""

from __future__ import annotations

import click

from addonkit.cli.command import app_option, command
from addonkit.cli.running import with_kit
from addonkit.cli.session import Session


@command("show", examples=("addonkit show shop-postgresql", "addonkit show postgresql -a shop"))
@click.argument("instance")
@app_option(required=False, help="With an app, INSTANCE may also be its alias or its addon there.")
@click.pass_obj
def show(session: Session, instance: str, app: str | None) -> None:
    """Show one instance: state, server, apps, names of variables."""
    from addonkit.cli import output, texts

    view = with_kit(session, lambda kit: kit.show(instance, app))
    session.answer(output.view_json(view), texts.instance_text(view))
