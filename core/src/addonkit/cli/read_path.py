"""The quick way to an app's environment: SQLite, the sealed values, and the run records of its servers; nothing else.

It answers only when there is nothing to do: all that the app has is active and all its servers run. In every other
case, and when anything is odd, the answer is None. The command then asks the whole of addonkit, which finds out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from addonkit.cli.server_states import can_be_used
from addonkit.cli.state_reader import ACTIVE, open_state

if TYPE_CHECKING:
    from addonkit.cli.state_reader import StateReader

_PROGRAMS: Final = "_programs"
"""As `models.definition.CONFIG_PROGRAMS`."""


class Entry(NamedTuple):
    """A variable, in clear, and where it comes from: `manual`, or an instance's name."""

    key: str
    text: str
    sensitive: bool
    source: str


class Reading(NamedTuple):
    """Variables of an app; see models.views.Environment, which costs more to import."""

    entries: tuple[Entry, ...]
    unset: tuple[str, ...]
    programs: tuple[str, ...]

    @property
    def values(self) -> dict[str, str]:
        """Names to values in clear."""
        return {entry.key: entry.text for entry in self.entries}


def read(home: str | None, app: str, *, running: bool = True) -> Reading | None:
    """Return what an app receives, or None when more than reading is needed to tell.

    Args:
        home: directory given with `--home`.
        app: its name.
        running: whether the servers have to run.
    """
    try:
        return _read(home, app, running=running)
    except Exception:  # noqa: BLE001 - whatever it is, the long way finds out and tells
        return None


def _read(home: str | None, app: str, *, running: bool) -> Reading | None:
    with open_state(home) as reader:
        if reader is None:
            return None
        environment = _Environment(reader)
        found = environment.of(app)
        if found is None or (running and not all(can_be_used(reader, server) for server in environment.servers)):
            return None
        return found


class _Environment:
    """Puts together what an app receives.

    Attributes:
        servers: ids of those that its instances live on.
    """

    def __init__(self, reader: StateReader) -> None:
        self._reader = reader
        self.servers: set[str] = set()

    def of(self, app: str) -> Reading | None:
        """Return what `Kit.environment` answers; None when something of it is under way or failed."""
        owner = self._reader.get("app", app)
        if owner is None:
            return None
        if owner.get("branching"):
            from addonkit.util.git_branch import branch_app, find_checkout

            found = find_checkout(os.getcwd())  # noqa: PTH109 - quick commands do without pathlib
            here = found is not None and found.git == owner["branching"]["git"]
            if here and found is not None and found.branch != owner["branching"]["base"]:
                return self._on_branch(owner, app, branch_app(app, found.branch)) if found.branch else None
        entries = [self._entry(each, f"app/{app}", "manual") for each in owner["variables"]]
        unset: set[str] = set()
        programs: dict[str, None] = {}
        associations = self._reader.list("association", "app", app)
        for association in sorted(associations, key=lambda found: (found["order"], found["id"])):
            instance = self._reader.get("instance", association["instance"])
            if instance is None:
                return None
            ready = instance["phase"] == association["phase"] == ACTIVE and not instance.get("moving")
            if not ready or not self._is_up(instance["server"]):
                return None
            row = f"association/{association['id']}"
            entries += [self._entry(each, row, instance["name"]) for each in association["variables"]]
            unset.update(association.get("unset_variables", ()))
            programs[instance["config"].get(_PROGRAMS, "")] = None
        return Reading(tuple(entries), tuple(sorted(unset)), tuple(each for each in programs if each))

    def _on_branch(self, owner: Mapping[str, Any], app: str, copy: str) -> Reading | None:
        """Return what `Kit.branches.environment` answers: values of the copies, under the names that the app has."""
        entries = [self._entry(each, f"app/{app}", "manual") for each in owner["variables"]]
        copies = {each["alias"] or each["addon"]: each for each in self._reader.list("association", "app", copy)}
        unset: set[str] = set()
        programs: dict[str, None] = {}
        ties = self._reader.list("association", "app", app)
        for tie in sorted(ties, key=lambda found: (found["order"], found["id"])):
            mine = copies.get(tie["alias"] or tie["addon"])
            instance = self._reader.get("instance", mine["instance"]) if mine else None
            if mine is None or instance is None or instance.get("moving"):
                return None
            if not instance["phase"] == mine["phase"] == ACTIVE or not self._is_up(instance["server"]):
                return None
            names = {plain["key"]: shown["key"] for plain, shown in zip(tie["plain"], tie["variables"], strict=False)}
            row = f"association/{mine['id']}"
            for each in mine["plain"]:
                shown = {**each, "key": names.get(each["key"], each["key"])}
                entries.append(self._entry(shown, row, instance["name"]))
            unset.update(mine.get("unset_variables", ()))
            programs[instance["config"].get(_PROGRAMS, "")] = None
        return Reading(tuple(entries), tuple(sorted(unset)), tuple(each for each in programs if each))

    def _is_up(self, server: str) -> bool:
        """Return whether a server is to run; it is looked at later. An instance without one needs none."""
        if not server:
            return True
        pool = self._reader.get("pool", server)
        self.servers.add(server)
        return pool is not None and pool["spec"]["desired_instances"] > 0

    def _entry(self, tree: Mapping[str, Any], row: str, source: str) -> Entry:
        return Entry(tree["key"], self._reader.text(tree["value"], row), tree["sensitive"], source)
