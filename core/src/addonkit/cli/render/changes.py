"""Renders changes and upgrades for people and programs. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.cli.render.json import Json, instance_json
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.sizes import describe_size

if TYPE_CHECKING:
    from addonkit.kit.changes import Changed, Rehearsal
    from addonkit.models.instance import Instance


def changed_json(done: Changed) -> Json:
    """Return what was moved."""
    return {"instance": instance_json(done.instance), "before": _target(done.before), "former": done.former}


def changed_text(done: Changed) -> str:
    """Return the same for people, with the way back."""
    name = done.instance.name
    return (
        f"{name} is {_target(done.instance)} now, it was {_target(done.before)}; restart apps that use it\n"
        f"{done.former} keeps the data from before for a week; `addonkit rollback {name}` takes them back"
    )


def rehearsal_json(tried: Rehearsal) -> Json:
    """Return what came of a rehearsal."""
    return {
        "instance": tried.instance.name,
        "variant": tried.variant,
        "version": tried.version,
        "items": tried.items,
        "seconds": round(tried.seconds, 3),
        "bytes": tried.usage.bytes if tried.usage else None,
        "notes": list(tried.notes),
    }


def rehearsal_text(tried: Rehearsal) -> str:
    """Return the same for people."""
    size = f"{describe_size(tried.usage.bytes)} in " if tried.usage else ""
    version = f", version {tried.version}" if tried.version else ""
    addon = tried.instance.addon
    lines = [
        f"{tried.instance.name} can be {addon}:{tried.variant}{version}: {tried.items:,} items of the copy are equal",
        f"it took {size}{tried.seconds:,.1f} seconds; apps cannot write for about that time",
        *tried.notes,
    ]
    return "\n".join(lines)


def _target(instance: Instance) -> str:
    version = instance.config.get(CONFIG_VERSION, "")
    return f"{instance.addon}:{instance.variant}{f' {version}' if version else ''}"
