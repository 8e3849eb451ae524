"""`addonkit promote`: which instance has the plain names in an app."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option, instance_argument


@command("promote", examples=("addonkit promote analytics -a shop    DATABASE_URL is analytics' from now on",))
@instance_argument()
@app_option()
@click.pass_obj
def promote(invocation: Invocation, instance: str, app: str) -> None:
    """Give an instance's variables their plain names.

    The set that has these names now gets a prefix in the same moment.
    """
    from addonkit.cli.render import json, text

    hint = f"`addonkit env -a {app}` shows whether it was done"
    moves = with_kit(invocation, lambda kit: kit.promote(instance, app), hint=hint)
    lines = text.moves_lines(moves) or ["nothing moved: it has its plain names, or they are set by hand"]
    invocation.answer({"app": app, "moves": json.moves_json(moves)}, "\n".join(lines))
