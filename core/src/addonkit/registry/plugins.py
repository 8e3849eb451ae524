"""Policies and observers: loaded all together on first need, each in isolation."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

from addonkit.errors import AddonBroken
from addonkit.registry.discovery import Found, one_line
from addonkit.registry.loader import check_hooks, import_object
from addonkit.registry.relay import Member, new_manager
from addonkit.registry.shelf import AddonReport, Shelf, broken

if TYPE_CHECKING:
    from addonkit.models.execution import Event

Observer = tuple[Found, pluggy.HookImpl]

logger = logging.getLogger(__name__)


class Plugins:
    """The entry points of the group `addonkit.plugins`. Not for several threads at once: see Registry."""

    def __init__(self, found: Iterable[Found] = ()) -> None:
        self._shelf = Shelf(found)
        self._members: list[Member] = []
        self._hooks: dict[str, frozenset[str]] = {}
        self._manager = new_manager()
        self._loaded = False

    def members(self) -> tuple[Member, ...]:
        """Those that loaded well, in order; the first call loads them and logs each that is broken."""
        if not self._loaded:
            self._loaded = True
            for found in self._shelf.usable:
                self._load(found)
        return tuple(self._members)

    def _load(self, found: Found) -> None:
        try:
            self.add(Member(found, import_object(found)))
        except AddonBroken as error:
            self._shelf.fail(found, error)
            logger.info("%s", error)

    def register(self, member: Member) -> None:
        """Add one that the program itself brings; `found` must not be on the shelf."""
        self.add(member)
        self._shelf.add(member.found)

    def add(self, member: Member) -> None:
        """Check a plugin and take it in.

        Raises:
            AddonBroken: when it may not be a plugin, or is one already.
        """
        hooks = check_hooks(member)
        try:
            self._manager.register(member.plugin, member.key)
        except ValueError as error:
            raise broken(member.found, "it is the same object as another plugin") from error
        self._members.append(member)
        self._hooks[member.found.name] = hooks

    def find(self, name: str) -> Found | None:
        """The entry of that name, whatever its state."""
        return self._shelf.find(name)

    def observers(self) -> tuple[Observer, ...]:
        """Implementations of `addon_event` and who brings each, the last registered first."""
        found = {each.key: each.found for each in self.members()}
        caller: pluggy.HookCaller = self._manager.hook.addon_event
        return tuple((found[each.plugin_name], each) for each in reversed(caller.get_hookimpls()))

    def reports(self) -> tuple[AddonReport, ...]:
        """One report an entry; loads them."""
        self.members()
        return self._shelf.reports(self._hooks)


def notify(observers: Iterable[Observer], event: Event) -> None:
    """Call each observer; one that raises is named in the log and changes nothing."""
    for found, each in observers:
        try:
            each.function(*(event for _ in each.argnames))
        except (Exception, SystemExit) as error:
            who = f"{found.name} of {found.origin}"
            logger.warning("observer %s failed on event %s: %s", who, event.kind, one_line(error))
            logger.debug("observer %s failed", who, exc_info=error)
