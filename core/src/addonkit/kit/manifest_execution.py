"""Carries out the changes of a manifest, one by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from addonkit.models.manifest_plan import Change, Verb

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.manifest import AppEntry

    Act = Callable[[Kit, AppEntry, Change], Awaitable[object]]


async def carry_out(kit: Kit, entry: AppEntry, change: Change) -> None:
    """Carry out one change of an app.

    Args:
        kit: what carries out.
        entry: of the app in the manifest.
        change: that was planned for it.

    Raises:
        AddonkitError: it is refused, or fails.
    """
    await _ACTS[change.verb](kit, entry, change)


async def _create(kit: Kit, entry: AppEntry, change: Change) -> None:
    asked = entry.addons[change.subject]
    await kit.create(
        change.detail,
        change.app,
        alias=change.alias,
        version=asked.version,
        socket=asked.socket,
        options=asked.options,
    )


async def _attach(kit: Kit, entry: AppEntry, change: Change) -> None:
    asked, addon = entry.addons[change.subject], (await kit.show(change.detail)).instance.addon
    alias = "" if addon == change.subject else change.subject
    await kit.attach(change.detail, change.app, alias=alias, socket=asked.socket, role=asked.role)


async def _schedule(kit: Kit, entry: AppEntry, change: Change) -> None:
    wanted = entry.addons[change.subject].schedule
    if wanted is not None:
        await kit.schedules.set(change.subject, wanted.cron, change.app, keep=wanted.keep)


_ACTS: Final[Mapping[Verb, Act]] = {
    Verb.CREATE: _create,
    Verb.ATTACH: _attach,
    Verb.CHANGE: lambda kit, _, change: kit.changes.change(change.subject, change.variant, change.app),
    Verb.UPGRADE: lambda kit, _, change: kit.changes.upgrade(change.subject, change.detail, change.app),
    Verb.CONFIGURE: lambda kit, entry, change: kit.options.set(
        change.subject, entry.addons[change.subject].options, app=change.app
    ),
    Verb.SET: lambda kit, entry, change: kit.set_variables(
        change.app, {change.subject: entry.variables[change.subject]}
    ),
    Verb.SCHEDULE: _schedule,
    Verb.BIND: lambda kit, _, change: kit.branches.bind(change.app, change.detail, change.subject),
    Verb.DETACH: lambda kit, _, change: kit.detach(change.detail, change.app),
    Verb.DESTROY: lambda kit, _, change: kit.destroy(change.detail),
    Verb.UNSET: lambda kit, _, change: kit.unset_variables(change.app, [change.subject]),
}
