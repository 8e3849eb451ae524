"""`addonkit promote`: which instance has the plain names in an app."""

from __future__ import annotations

import click

from addonkit.cli.command import app_option, command
from addonkit.cli.running import with_kit
from addonkit.cli.session import Session


@command("promote", examples=("addonkit promote analytics -a shop    DATABASE_URL is analytics' from now on",))
@click.argument("instance")
@app_option()
@click.pass_obj
def promote(session: Session, instance: str, app: str) -> None:
    """Give an instance's variables their plain names.

    The set that has these names now gets a prefix in the same moment.
    """
    from addonkit.cli import output, texts

    hint = f"addonkit env -a {app} shows whether it was done"
    moves = with_kit(session, lambda kit: kit.promote(instance, app), heal=False, hint=hint)
    lines = texts.moves_lines(moves) or ["nothing moved: it has its plain names, or they are set by hand"]
    session.answer({"app": app, "moves": output.moves_json(moves)}, "\n".join(lines))
