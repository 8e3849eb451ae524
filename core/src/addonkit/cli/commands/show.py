"""`addonkit show`: everything about one instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command, no_start_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.views import InstanceView
    from addonkit.models.vitals import Vitals


@command("show", examples=("addonkit show shop-postgresql", "addonkit show postgresql -a shop"))
@instance_argument()
@app_option(required=False, help=INSTANCE_OF_APP)
@no_start_option
@click.pass_obj
def show(invocation: Invocation, instance: str, app: str | None, no_start: bool) -> None:
    """Show one instance: state, server, size, last backup, apps, variables.

    Servers of its apps that are down are started, and named on stderr, unless --no-start is given.
    """
    from addonkit.cli.render import json, text

    view, vitals = with_kit(invocation, lambda kit: _look(invocation, kit, instance, app, start=not no_start))
    invocation.answer(json.view_json(view, vitals), text.instance_text(view, vitals))


async def _look(
    invocation: Invocation, kit: Kit, instance: str, app: str | None, *, start: bool
) -> tuple[InstanceView, Vitals]:
    from addonkit.cli.healing import heal_and_warn

    view = await kit.show(instance, app)
    if start and view.server is not None:
        for each in dict.fromkeys(association.app for association in view.associations):
            await heal_and_warn(kit, each)
        view = await kit.show(instance, app)
    invocation.remember(kit, (view,))
    return view, await kit.vitals(view)
