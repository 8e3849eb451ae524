"""`addonkit apps`: the apps there are."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation


@command("apps", examples=("addonkit apps", "addonkit apps --json"))
@click.pass_obj
def apps(invocation: Invocation) -> None:
    """List apps and the instances that give them variables."""
    import attrs

    from addonkit.cli.render import text

    found = with_kit(invocation, lambda kit: kit.apps())
    invocation.answer({"apps": [attrs.asdict(app) for app in found]}, text.apps_text(found))
