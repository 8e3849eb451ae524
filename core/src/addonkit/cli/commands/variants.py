"""`addonkit variants`: the sizes and shapes of one addon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.running import with_kit
from addonkit.cli.session import Session

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.definition import AddonDefinition


@command("variants", examples=("addonkit variants postgresql",))
@click.argument("addon")
@click.pass_obj
def variants(session: Session, addon: str) -> None:
    """List the variants of an addon and what they give."""
    from addonkit.cli import addon_texts, output

    async def look(kit: Kit) -> AddonDefinition:
        return kit.registry.get(addon).definition

    definition = with_kit(session, look, heal=False)
    found = [output.variant_json(definition, variant) for variant in definition.variants]
    session.answer({"addon": addon, "variants": found}, addon_texts.variants_text(definition))
