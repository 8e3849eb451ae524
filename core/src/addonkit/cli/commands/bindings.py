"""`addonkit bindings`: what an app receives, as a tree of files."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option


@command(
    "bindings",
    examples=(
        "addonkit bindings -a shop -o bindings",
        "addonkit run -a shop --bindings -- ./mvnw spring-boot:run",
    ),
)
@app_option()
@click.option("-o", "--output", metavar="DIRECTORY", required=True, help="Where they are written; its name is free.")
@click.pass_obj
def bindings(invocation: Invocation, app: str, output: str) -> None:
    """Write what an app receives as files, as servicebinding.io has them.

    Libraries of many languages read them. There is a directory for each instance, and in it `type`, `provider` and a
    file for each variable, secrets too. Only you can read them. They are written again whenever the variables change;
    see `env outputs`.
    """
    with_kit(invocation, lambda kit: kit.environment_files.follow(app, output, "bindings"))
    document = {"directory": output, "app": app, "follows": True}
    text = f"{output} holds the bindings of {app}, and follows them; `addonkit env outputs` lists such files"
    invocation.answer(document, text)
