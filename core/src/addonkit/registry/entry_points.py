"""The entries of one group, and what became of them."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

import attrs

from addonkit.errors import AddonBroken
from addonkit.registry.discovery import BLOCK_VARIABLE, Entry, InstalledEntries, State
from addonkit.util.values import frozen

_ADVICE: Final = {
    State.BLOCKED: f"take it off the list of blocked names ({BLOCK_VARIABLE})",
    State.CONFLICT: f"uninstall one, or name its distribution in {BLOCK_VARIABLE}",
    State.INCOMPATIBLE: "install versions that fit together",
    State.BROKEN: "'addonkit addons -v' shows the trace; other versions of it may work",
}


@frozen
class AddonReport:
    """The state of one entry point, in words.

    Attributes:
        name: of the entry; `group` is its entry-point group.
        distribution: who ships it; empty when the program registered it. `version` is the distribution's.
        state: see State.
        reason: why the state is not `ok`, one line.
        trace: traceback of a failed load; empty otherwise.
        hooks: names of the hooks it answers, sorted; empty when it was not loaded.
    """

    name: str
    group: str
    distribution: str
    version: str
    state: State
    reason: str = ""
    trace: str = ""
    hooks: tuple[str, ...] = ()


def broken(entry: Entry, reason: str, state: State = State.BROKEN) -> AddonBroken:
    """Return the error for an entry that cannot be used, naming it and who ships it."""
    return AddonBroken(
        f"cannot use {entry.kind} {entry.name} of {entry.origin}",
        reason,
        _ADVICE[state],
        addon=entry.name,
        distribution=entry.distribution,
        version=entry.version,
    )


def check_usable(entry: Entry) -> None:
    """Do nothing for an entry whose state is `ok`.

    Raises:
        AddonBroken: for any other, with the reason.
    """
    if entry.state is not State.OK:
        raise broken(entry, entry.reason, entry.state)


class EntryPointTable:
    """Entry points of one group; those of a name are looked up when it is first asked for.

    Args:
        group: of the entries.
        installed: what is installed; nothing by default.
    """

    def __init__(self, group: str, installed: InstalledEntries | None = None) -> None:
        self._group = group
        self._installed = installed
        self._entries: dict[str, list[Entry]] = {}
        self._traces: dict[Entry, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all entries, each once, sorted."""
        installed = self._installed.names(self._group) if self._installed else ()
        return tuple(sorted({*self._entries, *installed}))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, by name, in whatever state they are."""
        return tuple(chain.from_iterable(map(self._named, self.names)))

    def find(self, name: str, distribution: str = "") -> Entry | None:
        """Return the entry of a name, whatever its state, one that can be used first; None when there is none.

        Args:
            name: of the entry.
            distribution: only the entry of this one counts, and a rival of its name does not matter; empty means any.
        """
        first = None
        for entry in self._named(name):
            if distribution and entry.distribution == distribution:
                is_rival = entry.state is State.CONFLICT
                return attrs.evolve(entry, state=State.OK, reason="") if is_rival else entry
            if not distribution and entry.state is State.OK:
                return entry
            first = first or entry
        return None if distribution else first

    def add(self, entry: Entry) -> None:
        """Add one more entry."""
        self._entries[entry.name] = [*self._named(entry.name), entry]

    def fail(self, entry: Entry, error: AddonBroken) -> None:
        """Note that loading an entry failed."""
        failed = attrs.evolve(entry, state=State.BROKEN, reason=error.found)
        entries = self._named(entry.name)
        if entry not in entries:  # one in conflict, which was tried for an instance of its distribution
            return
        entries[entries.index(entry)] = failed
        cause = error.__cause__
        self._traces[failed] = "".join(traceback.format_exception(cause)) if cause else ""

    def reports(self, hooks: Mapping[str, Iterable[str]]) -> tuple[AddonReport, ...]:
        """Return one report an entry; `hooks` are those answered by the loaded ones, by name."""
        return tuple(
            AddonReport(
                each.name,
                each.group,
                each.distribution,
                each.version,
                each.state,
                each.reason,
                self._traces.get(each, ""),
                tuple(sorted(hooks.get(each.name, ()))) if each.state is State.OK else (),
            )
            for each in self.entries
        )

    def _named(self, name: str) -> list[Entry]:
        if name not in self._entries:
            found = self._installed.entries(self._group, name) if self._installed else ()
            if not found:
                return []
            self._entries[name] = list(found)
        return self._entries[name]
