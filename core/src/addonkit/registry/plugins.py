"""Policies and observers: loaded all together on first need, each in isolation."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import pluggy

from addonkit.errors import AddonBroken
from addonkit.registry.discovery import Entry, State
from addonkit.registry.entry_points import AddonReport, EntryPointTable, broken
from addonkit.registry.loader import check_hooks, contained, import_object
from addonkit.registry.relay import PluginRef, new_manager
from addonkit.util.foreign_code import foreign_code, one_line

if TYPE_CHECKING:
    from addonkit.models.execution import Event

Observer = tuple[Entry, pluggy.HookImpl]

logger = logging.getLogger(__name__)


class Plugins:
    """The entry points of the group `addonkit.plugins`. Not for several threads at once: see Registry."""

    def __init__(self, table: EntryPointTable) -> None:
        self._table = table
        self._refs: list[PluginRef] = []
        self._hooks: dict[str, frozenset[str]] = {}
        self._observers: tuple[Observer, ...] = ()
        self._loaded = False

    @cached_property
    def _manager(self) -> pluggy.PluginManager:
        return new_manager()  # there are seldom plugins

    def refs(self) -> tuple[PluginRef, ...]:
        """Return those that loaded well, in order; the first call loads them and logs each that is broken."""
        if not self._loaded:
            self._loaded = True
            for entry in self._table.entries:
                if entry.state is State.OK:
                    self._load(entry)
        return tuple(self._refs)

    def _load(self, entry: Entry) -> None:
        try:
            self.add(PluginRef(entry, import_object(entry)))
        except AddonBroken as error:
            self._table.fail(entry, error)
            logger.info("%s", error)

    def register(self, ref: PluginRef) -> None:
        """Add one that the program itself brings; its entry must not be in the table."""
        self.add(ref)
        self._table.add(ref.entry)

    def add(self, ref: PluginRef) -> None:
        """Check a plugin and take it in.

        Raises:
            AddonBroken: when it may not be a plugin, or is one already.
        """
        hooks = check_hooks(ref, new_manager())
        if self._manager.is_registered(ref.plugin):
            raise broken(ref.entry, "it is the same object as another plugin")
        with contained(ref.entry, "registering it failed: "):
            self._manager.register(ref.plugin, ref.entry.key)
        self._refs.append(ref)
        self._hooks[ref.entry.name] = hooks
        entries = {each.entry.key: each.entry for each in self._refs}
        callers: list[pluggy.HookImpl] = self._manager.hook.addon_event.get_hookimpls()
        self._observers = tuple((entries[each.plugin_name], each) for each in reversed(callers))

    def find(self, name: str) -> Entry | None:
        """Return the entry of that name, whatever its state."""
        return self._table.find(name)

    def observers(self) -> tuple[Observer, ...]:
        """Return implementations of `addon_event` and who brings each, the last registered first."""
        self.refs()
        return self._observers

    def check(self) -> None:
        """Make sure that each can be used, but for those that the operator blocked; loads them.

        Raises:
            AddonBroken: for the first that cannot.
        """
        self.refs()
        for entry in self._table.entries:
            if entry.state not in {State.OK, State.BLOCKED}:
                raise AddonBroken(
                    f"cannot continue without plugin {entry.name} of {entry.origin}",
                    entry.reason,
                    f"fix it, or do without it: ADDONKIT_BLOCK={entry.name}",
                    addon=entry.name,
                    distribution=entry.distribution,
                    version=entry.version,
                )

    def reports(self) -> tuple[AddonReport, ...]:
        """Return one report an entry; loads them."""
        self.refs()
        return self._table.reports(self._hooks)


def notify(observers: Iterable[Observer], event: Event) -> None:
    """Call each observer; one that raises is named in the log and changes nothing."""
    for entry, each in observers:
        try:
            with foreign_code():
                each.function(*(event for _ in each.argnames))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            who = f"{entry.name} of {entry.origin}"
            logger.warning("observer %s failed on event %s: %s", who, event.kind, one_line(error))
            logger.debug("observer %s failed", who, exc_info=error)
