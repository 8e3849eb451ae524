"""`addonkit list`: the instances there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command, no_start_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from addonkit.kit.kit import Kit
    from addonkit.models.views import InstanceView


@command("list", examples=("addonkit list", "addonkit list -a shop", "addonkit list --no-start --json"))
@app_option(required=False, help="Only instances of this app.")
@no_start_option
@click.option("--size", is_flag=True, help="Measure the disks of servers, and show how full they are.")
@click.pass_obj
def list(invocation: Invocation, app: str | None, no_start: bool, *, size: bool) -> None:
    """List instances: their apps, their state, their servers.

    Servers that are down are started, and named on stderr, unless --no-start is given.
    """
    from addonkit.cli.render import json, text

    start = not no_start
    if size:
        with_kit(invocation, lambda kit: kit.storage.measure())
    quick = invocation.quick_list(app, start=start)
    views, total = quick or with_kit(invocation, lambda kit: _look(invocation, kit, app, start=start))
    if app is not None and len(views) < total:
        _say_narrowed(app, len(views), total)
    invocation.answer(
        {"instances": [json.view_json(view) for view in views]}, text.instances_text(views, app, size=size)
    )


async def _look(
    invocation: Invocation, kit: Kit, app: str | None, *, start: bool
) -> tuple[Sequence[InstanceView], int]:
    """Return the instances of an app, or all, and how many there are in all.

    Raises:
        UnknownApp: there is no app of that name.
    """
    from addonkit.cli.healing import heal_and_warn

    if app is not None:
        await kit.check_app(app)
    if start:
        await heal_and_warn(kit, app)
    views = await kit.instances(app)
    invocation.remember(kit, views)
    return views, len(views) if app is None else await kit.count()


def _say_narrowed(app: str, shown: int, total: int) -> None:
    from addonkit.cli.streams import clean, echo_err
    from addonkit.models.app import DefaultApp

    source = ", from ADDONKIT_APP" if isinstance(app, DefaultApp) else ""
    echo_err(f"{shown} of {total} instances (app {clean(app)}{source})")
