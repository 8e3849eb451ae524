"""`addonkit addons`: what is installed, and what of it can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from addonkit.cli.render.addons import Listed
    from addonkit.kit.kit import Kit


@command("addons", examples=("addonkit addons", "addonkit addons -v    with the traces of those that do not load"))
@click.pass_obj
def addons(invocation: Invocation) -> None:
    """List installed addons, their variants and versions.

    Versions are those of servers found on this machine. CONFORMANCE is the grade that the distribution's own
    report says. Addons that cannot be used are named with the
    distribution that brings them and the reason.
    """
    from addonkit.cli.render import addons as addons_table
    from addonkit.cli.render import json

    found = with_kit(invocation, _look)
    document = {"addons": [json.addon_json(each.report, each.definition, each.programs, each.graded) for each in found]}
    invocation.answer(document, addons_table.addons_text(found, traces=invocation.verbose))


async def _look(kit: Kit) -> list[Listed]:
    """Return every addon, and whatever else was found and cannot be used."""
    import asyncio

    from addonkit.cli.render.addons import Listed
    from addonkit.registry.discovery import ADDONS, State
    from addonkit.registry.grades import find_graded

    found = []
    for report in kit.registry.report():
        if report.state is not State.OK:
            found.append(Listed(report))
        elif report.group == ADDONS:
            addon = kit.registry.get(report.name)
            programs = await asyncio.to_thread(kit.backend.find_programs, addon.definition)
            found.append(Listed(report, addon.definition, programs, find_graded(addon.relay.entry.value)))
    return found
