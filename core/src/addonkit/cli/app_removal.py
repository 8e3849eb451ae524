"""Removes everything of an app: its instances, its ties to others', its variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from addonkit.models.views import MANUAL, Plan

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from addonkit.kit.kit import Kit


@attrs.frozen
class Removal:
    """What is removed.

    Attributes:
        app: its name.
        destroyed: names of instances that were made for it, to what would be done with each.
        detached: names of instances of other apps.
        unset: names of variables set by hand.
    """

    app: str
    destroyed: dict[str, Plan]
    detached: tuple[str, ...]
    unset: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "app": self.app,
            "destroyed": list(self.destroyed),
            "detached": list(self.detached),
            "unset": list(self.unset),
        }

    def text(self) -> str:
        """What is lost, for people."""
        lines = [f"everything of app {self.app} goes"]
        lines += [f"  lost for good: {each}" for plan in self.destroyed.values() for each in plan.lost]
        lines += [f"  what stays: {each}" for plan in self.destroyed.values() for each in plan.stays]
        lines += [f"  detached: {name}; it and its data stay" for name in self.detached]
        lines += [f"  unset: {', '.join(self.unset)}"] if self.unset else []
        return "\n".join(lines)

    def counted(self) -> str:
        """How much it was."""
        kinds = {"destroyed": self.destroyed, "detached": self.detached, "variables unset": self.unset}
        return ", ".join(f"{len(found)} {kind}" for kind, found in kinds.items() if found)


async def look(kit: Kit, app: str, *, now: bool) -> Removal:
    """What removing an app takes, without the trash if it is done `now`. UnknownApp when there is none."""
    await kit.check_app(app)
    views = await kit.instances(app)
    own = [view.instance.name for view in views if view.instance.app == app]
    environment = await kit.environment(app) if await kit.has_app(app) else None
    manual = [entry.variable.key for entry in environment.entries if entry.source == MANUAL] if environment else []
    return Removal(
        app,
        {name: await kit.plan_destroy(name, now=now) for name in own},
        tuple(view.instance.name for view in views if view.instance.app != app),
        tuple(manual),
    )


async def remove(kit: Kit, removal: Removal, *, now: bool) -> dict[str, str]:
    """Remove one after the other; returns what could not be removed, to the reason. One failure hides no other."""
    failed: dict[str, str] = {}
    if not now:
        await kit.trash.apps.keep(removal.app)
    for name in removal.detached:
        await _attempt(kit.detach(name, removal.app), name, failed)
    for name in removal.destroyed:
        await _attempt(kit.destroy(name, now=now), name, failed)
    if removal.unset and not failed:
        await kit.unset_variables(removal.app, removal.unset)
    return failed


async def _attempt(work: Awaitable[object], name: str, failed: dict[str, str]) -> None:
    from addonkit.errors import AddonkitError

    try:
        await work
    except AddonkitError as error:
        failed[name] = str(error)
