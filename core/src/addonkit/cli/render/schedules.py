"""Renders schedules of backups for people and programs. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from addonkit.cli.render.json import Json, time_json
from addonkit.cli.render.table import table, wrap
from addonkit.cli.render.times import time_text
from addonkit.cli.streams import clean

if TYPE_CHECKING:
    from addonkit.kit.schedules import Schedule


def schedule_json(found: Schedule) -> Json:
    """Return a schedule, and what is wrong with it."""
    return {
        "instance": found.instance,
        "cron": found.state.cron,
        "keep": found.state.keep or None,
        "next": time_json(found.next),
        "verified": time_json(found.state.verified),
        "troubles": list(found.troubles),
    }


def scheduled_text(made: Schedule) -> str:
    """Return what was set, and what keeps it."""
    stay = f"; of its backups {made.state.keep} stay" if made.state.keep else "; all its backups stay"
    return f"{made.instance} is backed up next at {time_text(made.next)}{stay}\n`addonkit serve` keeps the schedule"


def schedules_text(found: Sequence[Schedule]) -> str:
    """Return a table of schedules, and what is wrong with them."""
    if not found:
        return 'no schedules yet; run `addonkit backup schedule INSTANCE "0 3 * * *"` to set one'
    rows = [
        (each.instance, each.state.cron, each.state.keep or "all", time_text(each.state.verified), time_text(each.next))
        for each in found
    ]
    notes = [wrap(f"{each.instance}: {clean(trouble)}") for each in found for trouble in each.troubles]
    return "\n".join((table(("INSTANCE", "SCHEDULE", "KEPT", "VERIFIED", "NEXT"), rows), *notes))
