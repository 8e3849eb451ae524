"""Renders the trash for people and programs. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from addonkit.cli.render.backups import backup_json
from addonkit.cli.render.json import Json, time_json
from addonkit.cli.render.table import table
from addonkit.cli.render.text import keys_text
from addonkit.cli.render.times import time_text
from addonkit.models.sizes import describe_size

if TYPE_CHECKING:
    from addonkit.models.instance import Association, Instance
    from addonkit.models.trash import TrashedInstance


def trashed_json(found: TrashedInstance) -> Json:
    """Return what can be brought back."""
    return {
        "instance": found.name,
        "addon": found.addon,
        "variant": found.variant,
        "app": found.app,
        "apps": sorted({tie.app for tie in found.ties}),
        "destroyed": time_json(found.destroyed),
        "expires": time_json(found.expires),
        "backup": backup_json(found.backup),
    }


def trash_text(found: Sequence[TrashedInstance]) -> str:
    """Return a table of what can be brought back."""
    if not found:
        return "the trash is empty"
    rows = [
        (
            each.name,
            time_text(each.destroyed),
            time_text(each.expires),
            describe_size(each.backup.size),
            each.backup.name,
        )
        for each in found
    ]
    return table(("INSTANCE", "DESTROYED", "KEPT UNTIL", "SIZE", "FINAL BACKUP"), rows)


def destroyed_text(name: str, kept: TrashedInstance | None, *, waited: bool) -> str:
    """Return what came of a destroy, and the way back."""
    lines = [f"{name} is gone" if kept else f"{name} and its data are gone"]
    if not waited:
        lines = [f"{name} is to be destroyed; `addonkit retry {name}` carries it out"]
    if kept:
        until = time_text(kept.expires)
        lines.append(f"its verified final backup stays in the trash until {until}, in {kept.backup.location}")
        lines.append(f"`addonkit undestroy {name}` brings it back")
    return "\n".join(lines)


def app_kept_lines(app: str, kept: Sequence[TrashedInstance], *, back: bool) -> list[str]:
    """Return what the trash has of an app that was removed, and the way back if there is one."""
    lines = [f"the trash has {each.name} until {time_text(each.expires)}, in {each.backup.location}" for each in kept]
    return [*lines, f"`addonkit undestroy --app {app}` brings it back"] if back and kept else lines


def undestroyed_text(served: Instance, ties: Sequence[Association]) -> str:
    """Return what came back, and what apps receive now."""
    lines = [f"{served.name} is back, with its data"]
    for tie in sorted(ties, key=lambda tie: (tie.app != served.app, tie.app)):
        keys = keys_text([variable.key for variable in tie.variables]) if tie.variables else str(tie.phase)
        lines.append(f"{tie.app} receives {keys}" + (f" ({tie.message})" if tie.message else ""))
    return "\n".join((*lines, "restart apps that use it"))
