"""`addonkit addons`: what is installed, and what of it can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.running import with_kit
from addonkit.cli.session import Session

if TYPE_CHECKING:
    from addonkit.cli.addon_texts import Listed
    from addonkit.kit.kit import Kit


@command("addons", examples=("addonkit addons", "addonkit addons -v    with the traces of those that do not load"))
@click.pass_obj
def addons(session: Session) -> None:
    """List installed addons, their variants and versions.

    Versions are those of servers found on this machine. Addons that cannot be used are named with the
    distribution that brings them and the reason.
    """
    from addonkit.cli import addon_texts, output

    found = with_kit(session, _look, heal=False)
    document = {"addons": [output.addon_json(each.report, each.definition, each.programs) for each in found]}
    session.answer(document, addon_texts.addons_text(found, traces=session.verbose))


async def _look(kit: Kit) -> list[Listed]:
    """Every addon, and whatever else was found and cannot be used."""
    import asyncio

    from addonkit.cli.addon_texts import Listed
    from addonkit.registry.discovery import ADDONS, State

    found = []
    for report in kit.registry.report():
        if report.state is not State.OK:
            found.append(Listed(report))
        elif report.group == ADDONS:
            definition = kit.registry.get(report.name).definition
            found.append(Listed(report, definition, await asyncio.to_thread(kit.backend.find_programs, definition)))
    return found
