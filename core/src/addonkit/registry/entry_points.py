"""The entries of one group, and what became of them."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from addonkit.errors import AddonBroken
from addonkit.registry.discovery import BLOCK_VARIABLE, Entry, State

_ADVICE: Final = {
    State.BLOCKED: f"take it off the list of blocked names ({BLOCK_VARIABLE})",
    State.CONFLICT: f"uninstall one, or name its distribution in {BLOCK_VARIABLE}",
    State.INCOMPATIBLE: "install versions that fit together",
    State.BROKEN: "'addonkit addons -v' shows the trace; other versions of it may work",
}


@attrs.frozen
class AddonReport:
    """What is known of one entry point.

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
    """The error for an entry that cannot be used, naming it and who ships it."""
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
    """Entry points of one group in order; several have one name only when they are in conflict."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = list(entries)
        self._traces: dict[Entry, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all entries, each once, sorted."""
        return tuple(sorted({each.name for each in self._entries}))

    @property
    def usable(self) -> tuple[Entry, ...]:
        """Entries that nothing speaks against so far."""
        return tuple(each for each in self._entries if each.state is State.OK)

    def find(self, name: str) -> Entry | None:
        """The entry of that name, whatever its state; None when there is none."""
        return next((each for each in self._entries if each.name == name), None)

    def add(self, entry: Entry) -> None:
        """Add one more entry."""
        self._entries.append(entry)
        self._entries.sort(key=lambda each: (each.name, each.distribution))

    def fail(self, entry: Entry, error: AddonBroken) -> None:
        """Note that loading an entry failed."""
        failed = attrs.evolve(entry, state=State.BROKEN, reason=error.found)
        self._entries[self._entries.index(entry)] = failed
        cause = error.__cause__
        self._traces[failed] = "".join(traceback.format_exception(cause)) if cause else ""

    def reports(self, hooks: Mapping[str, Iterable[str]]) -> tuple[AddonReport, ...]:
        """One report an entry; `hooks` are those answered by the loaded ones, by name."""
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
            for each in self._entries
        )
