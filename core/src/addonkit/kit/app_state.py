"""Reads what an app has: its addons with their schedules, its variables and its repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from addonkit.controller.variables import associations_of
from addonkit.models.app import App, Branching
from addonkit.models.backup_state import BackupState
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.manifest import AddonEntry, AppEntry, BranchesEntry, OptionText, ScheduleEntry
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.models.variable import Variable
    from addonkit.store.interface import Reader


@frozen
class Tie:
    """An addon that an app has.

    Attributes:
        association: of the app.
        instance: that it is tied to.
        schedule: by which the instance is backed up; None without one.
    """

    association: Association
    instance: Instance
    schedule: ScheduleEntry | None = None

    @property
    def own(self) -> bool:
        """Return whether it was created for this app."""
        return self.instance.app == self.association.app

    def entry(self) -> AddonEntry:
        """Return what a manifest says of it."""
        instance, socket = self.instance, self.association.socket
        if not self.own:
            return AddonEntry(attach=instance.name, role=self.association.role, socket=socket)
        chosen = {name: OptionText(value) for name, value in instance.options.items()}
        version = instance.config.get(CONFIG_VERSION, "")
        spec = f"{instance.addon}:{instance.variant}"
        return AddonEntry(spec, version, options=chosen, schedule=self.schedule, socket=socket)


@frozen
class AppState:
    """The addons, variables and repository of an app.

    Attributes:
        name: of the app.
        ties: its addons by their names in the app, without those on their way out.
        record: of the app; None when there is none.
    """

    name: str
    ties: Mapping[str, Tie]
    record: App | None = None

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Variables that were set by hand, by name."""
        return {each.key: each for each in self.record.variables} if self.record else {}

    @property
    def branching(self) -> Branching | None:
        """The repository that it is bound to; None without one."""
        return self.record.branching if self.record else None

    @property
    def is_copy(self) -> bool:
        """Return whether it holds the copies of a branch, which are made when they are needed."""
        return self.record is not None and self.record.branch_of is not None

    def entry(self) -> AppEntry:
        """Return what a manifest says of it; without secrets."""
        entries = {label: tie.entry() for label, tie in self.ties.items()}
        plain = {key: each.text for key, each in self.variables.items() if not each.sensitive}
        bound = self.branching
        branches = BranchesEntry(bound.git.removesuffix("/.git"), bound.base) if bound else None
        return AppEntry(entries, plain, branches)


def read_app(tx: Reader, name: str) -> AppState:
    """Return what an app has; nothing when there is no app of that name."""
    ties = {}
    for association in associations_of(tx, name):
        instance = tx.get(Instance, association.instance)
        if instance is not None and Phase.DEPROVISIONING not in {association.phase, instance.value.phase}:
            state = tx.get(BackupState, instance.name)
            planned = ScheduleEntry(state.value.cron, state.value.keep) if state and state.value.cron else None
            ties[association.label] = Tie(association, instance.value, planned)
    record = tx.get(App, name)
    return AppState(name, ties, record.value if record else None)
