"""Removes everything of an app: its instances, its ties to others', its variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from addonkit.models.trash import TrashedInstance
from addonkit.models.views import MANUAL, Plan

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from addonkit.kit.kit import Kit

T = TypeVar("T")


@attrs.frozen
class Removal:
    """The parts of an app's removal.

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
        """Return what is lost, for people."""
        lines = [f"everything of app {self.app} goes"]
        lines += [f"  lost for good: {each}" for plan in self.destroyed.values() for each in plan.lost]
        lines += [f"  what stays: {each}" for plan in self.destroyed.values() for each in plan.stays]
        lines += [f"  detached: {name}; it and its data stay" for name in self.detached]
        lines += [f"  unset: {', '.join(self.unset)}"] if self.unset else []
        return "\n".join(lines)

    def counted(self) -> str:
        """Return how much it was."""
        kinds = {"destroyed": self.destroyed, "detached": self.detached, "variables unset": self.unset}
        return ", ".join(f"{len(found)} {kind}" for kind, found in kinds.items() if found)


async def plan_removal(kit: Kit, app: str, *, now: bool) -> Removal:
    """Return what removing an app takes, without the trash if it is done `now`. UnknownApp when there is none."""
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


@attrs.frozen
class Removed:
    """The result of a removal.

    Attributes:
        failed: names of what could not be removed, to the reason.
        kept: what the trash has of it.
    """

    failed: dict[str, str]
    kept: tuple[TrashedInstance, ...]


async def remove(kit: Kit, removal: Removal, *, now: bool) -> Removed:
    """Remove one after the other. One failure hides no other."""
    failed: dict[str, str] = {}
    if not now:
        await kit.trash.apps.keep(removal.app)
    for name in removal.detached:
        await _attempt(kit.detach(name, removal.app), name, failed)
    found = [await _attempt(kit.destroy(name, now=now), name, failed) for name in removal.destroyed]
    if removal.unset and not failed:
        await kit.unset_variables(removal.app, removal.unset)
    return Removed(failed, tuple(each for each in found if each is not None))


async def _attempt(work: Awaitable[T], name: str, failed: dict[str, str]) -> T | None:
    from addonkit.errors import AddonkitError

    try:
        return await work
    except AddonkitError as error:
        failed[name] = str(error)
        return None
