"""`addonkit variants`: the sizes and shapes of one addon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import addon_argument

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.definition import AddonDefinition


@command("variants", examples=("addonkit variants postgresql",))
@addon_argument()
@click.pass_obj
def variants(invocation: Invocation, addon: str) -> None:
    """List the variants of an addon, what they give, and their options.

    With --json each variant has the JSON Schema of its options.
    """
    from addonkit.cli.render import addons as addons_table
    from addonkit.cli.render import json
    from addonkit.cli.render.options import offered_text

    async def look(kit: Kit) -> AddonDefinition:
        return kit.registry.get(addon).definition

    definition = with_kit(invocation, look)
    found = [json.variant_json(definition, variant) for variant in definition.variants]
    text = "\n\n".join(filter(None, (addons_table.variants_text(definition), offered_text(definition))))
    invocation.answer({"addon": addon, "variants": found, "roles": dict(definition.roles)}, text)
