"""Compares what a manifest says of an app with what the app has."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from addonkit.archive.retention import parse_keep
from addonkit.compute.process.versions import matches
from addonkit.controller.backups.schedule import check_cron
from addonkit.kit.app_state import AppState
from addonkit.models.app import Branching
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.instance import Instance
from addonkit.models.manifest import AddonEntry, AppEntry
from addonkit.models.manifest_plan import Change, ManifestPlan, Verb
from addonkit.models.spec import AddonSpec
from addonkit.registry.registry import Registry
from addonkit.util.git_branch import find_checkout
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from addonkit.kit.app_state import Tie
    from addonkit.models.definition import AddonDefinition
    from addonkit.models.variable import Variable


@frozen
class Comparison:
    """Compares one app.

    Attributes:
        registry: of addons.
        there: what the app has.
        entry: what it is to have.
    """

    registry: Registry
    there: AppState
    entry: AppEntry

    def missing(self) -> ManifestPlan:
        """Return what the app is to have and has not, or has otherwise.

        Raises:
            InvalidInput: an option or a schedule of the entry is none.
        """
        changes, problems = [], []
        for label, addon in self.entry.addons.items():
            tie = self.there.ties.get(label)
            problem = self._difference(label, addon, tie) if tie else ""
            if problem:
                problems.append(problem)
            elif tie is None:
                changes += [self._new(label, addon), *self._schedule(label, addon, None)]
            elif not addon.attach:
                changes += self._places(label, addon, tie.instance)
                changes += self._options(label, addon, tie.instance)
                changes += self._schedule(label, addon, tie)
        return ManifestPlan((*changes, *self._variables()), tuple(problems))

    def surplus(self) -> tuple[Change, ...]:
        """Return what removes what the app has and its entry does not name.

        Secrets set by hand are never in a manifest, so they are left.
        """
        app, found = self.there.name, []
        for label, tie in self.there.ties.items():
            if label in self.entry.addons:
                continue
            name = tie.instance.name
            gone = Change(Verb.DESTROY, app, label, name, lost=(f"all data of {name}",))
            found.append(gone if tie.own else Change(Verb.DETACH, app, label, name))
        left = [(key, each) for key, each in self.there.variables.items() if not each.sensitive]
        unset = (
            Change(Verb.UNSET, app, key, former=_digest(each)) for key, each in left if key not in self.entry.variables
        )
        return (*found, *unset)

    def branches(self) -> ManifestPlan:
        """Return the change of the repository, one or none. Blocking: it looks at files."""
        app, wanted = self.there.name, self.entry.branches
        if wanted is None:
            return ManifestPlan()
        found = find_checkout(wanted.directory)
        if found is None:
            return ManifestPlan(problems=(f"{app}: {wanted.directory} is in no git repository",))
        bound = self.there.branching
        base = wanted.base or (bound.base if bound and bound.git == found.git else found.branch)
        if not base:
            problem = f"{app}: no branch is checked out in {wanted.directory}; name one as base"
            return ManifestPlan(problems=(problem,))
        if bound == Branching(found.git, base):
            return ManifestPlan()
        return ManifestPlan((Change(Verb.BIND, app, base, wanted.directory),))

    def _new(self, label: str, entry: AddonEntry) -> Change:
        verb = Verb.ATTACH if entry.attach else Verb.CREATE
        return Change(verb, self.there.name, label, entry.attach or entry.addon or label)

    def _difference(self, label: str, entry: AddonEntry, tie: Tie) -> str:
        """Return why what is there can never become what the entry asks for; empty when it can."""
        instance, association = tie.instance, tie.association
        there = f"{label} of {self.there.name}"
        if entry.attach and instance.name != entry.attach:
            return f"{there} is {instance.name}, the manifest says {entry.attach}"
        if entry.socket != association.socket:
            ways = ("its port", "the socket of its server")
            return f"{there} uses {ways[association.socket]}, the manifest says {ways[entry.socket]}"
        if entry.role and entry.role != (association.role or next(iter(self._definition(instance).roles), "")):
            return f"{there} has the role {association.role or 'of an owner'}, the manifest says {entry.role}"
        if entry.attach:
            return ""
        addon, _ = self.registry.resolve_addon_and_variant(str(AddonSpec.parse(entry.addon or label)))
        return "" if addon == instance.addon else f"{instance.name} is of {instance.addon}, the manifest says {addon}"

    def _places(self, label: str, entry: AddonEntry, instance: Instance) -> Iterator[Change]:
        """Yield the changes of variant and of version that an entry asks for; the data move for each of them."""
        app, variant = self.there.name, _variant(label, entry, instance)
        if variant != instance.variant:
            yield Change(Verb.CHANGE, app, label, f"{instance.addon}:{variant}")
        if entry.version and not matches(instance.config.get(CONFIG_VERSION, ""), entry.version):
            yield Change(Verb.UPGRADE, app, label, entry.version)

    def _options(self, label: str, entry: AddonEntry, instance: Instance) -> Iterator[Change]:
        """Yield the change of options that an entry asks for, one or none.

        Raises:
            InvalidInput: there is no such option, it cannot be changed, or a value is not allowed.
        """
        options = self._definition(instance).options_of(_variant(label, entry, instance))
        attempted = f"cannot change options of {instance.name}"
        wanted = options.checked(entry.options, attempted=attempted, former=instance.config)
        has = instance.config
        others = {name: value for name, value in wanted.items() if has.get(name, options.default(name)) != value}
        if others:
            restart = "; its server restarts" if options.needs_restart(has, others) else ""
            words = ", ".join(f"{name}={value}" for name, value in others.items())
            yield Change(Verb.CONFIGURE, self.there.name, label, f"{words}{restart}")

    def _schedule(self, label: str, entry: AddonEntry, tie: Tie | None) -> Iterator[Change]:
        """Yield the change of the schedule that an entry asks for, one or none.

        Raises:
            InvalidInput: what it says is no schedule.
        """
        wanted = entry.schedule
        if wanted is None or (tie is not None and wanted == tie.schedule):
            return
        check_cron(wanted.cron)
        if wanted.keep:
            parse_keep(wanted.keep)
        words = f"{wanted.cron}, keep {wanted.keep}" if wanted.keep else wanted.cron
        yield Change(Verb.SCHEDULE, self.there.name, label, words)

    def _variables(self) -> Iterator[Change]:
        there = self.there.variables
        for key, text in self.entry.variables.items():
            if key not in there or there[key].text != text or there[key].sensitive:
                yield Change(Verb.SET, self.there.name, key, former=_digest(there.get(key)))

    def _definition(self, instance: Instance) -> AddonDefinition:
        return self.registry.get(instance.addon, instance.distribution).definition


def _digest(variable: Variable | None) -> str:
    """Stands for the value of a variable, so that a plan notices another one."""
    return hashlib.sha256(variable.text.encode()).hexdigest() if variable else ""


def _variant(label: str, entry: AddonEntry, instance: Instance) -> str:
    """Return the variant that an instance is to have: its own when the entry names none."""
    return AddonSpec.parse(entry.addon or label).variant or instance.variant
