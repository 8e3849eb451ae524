"""Compares a manifest with what there is, and carries out the difference."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from addonkit.archive.retention import parse_keep
from addonkit.controller.backups.schedule import check_cron
from addonkit.controller.variables import associations_of
from addonkit.errors import Conflict
from addonkit.models.app import App, Branching
from addonkit.models.backup_state import BackupState
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.manifest import AddonEntry, AppEntry, BranchesEntry, Manifest, OptionText, ScheduleEntry
from addonkit.models.spec import AddonSpec
from addonkit.util.git_branch import find_checkout

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Reader, Store


class Verb(StrEnum):
    """What a change does."""

    CREATE = "create"
    ATTACH = "attach"
    CONFIGURE = "configure"
    SET = "set"
    SCHEDULE = "schedule"
    BIND = "bind"
    DETACH = "detach"
    DESTROY = "destroy"
    UNSET = "unset"


@attrs.frozen
class Change:
    """One difference between a manifest and what there is.

    Attributes:
        verb: what is done.
        app: for which app.
        subject: name of the addon in the app, or of the variable.
        detail: what is created, attached, destroyed, or which options change; when backups are made; the repository
            and its base branch. Empty for variables, whose values are not shown.
        lost: what would be lost for good, in words; empty when nothing is.
        stays: what would stay in the trash, in words.
    """

    verb: Verb
    app: str
    subject: str
    detail: str = ""
    lost: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()


@attrs.frozen
class ManifestPlan:
    """What `apply` would do.

    Attributes:
        changes: in order.
        problems: differences that it cannot remove, a sentence each. With one of them nothing is applied.
        kept: what is there and is not in the manifest, a sentence each; `prune` removes it.
    """

    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@attrs.frozen
class _Tie:
    """An addon that an app has."""

    association: Association
    instance: Instance
    schedule: ScheduleEntry | None = None

    @property
    def own(self) -> bool:
        """Whether it was created for this app."""
        return self.instance.app == self.association.app


class Manifests:
    """Works on one home.

    Args:
        store: of the home.
        kit: carries out what is decided.
    """

    def __init__(self, store: Store, kit: Kit) -> None:
        self._store = store
        self._kit = kit

    async def plan(self, manifest: Manifest, *, prune: bool = False) -> ManifestPlan:
        """Compare with what there is. Every addon that would be created is asked: what it refuses shows here.

        Args:
            manifest: what apps are to have. Apps that it does not name are left alone.
            prune: whether what is there and is not in the manifest is removed from the apps that it names.

        Raises:
            AddonkitError: an addon of the manifest cannot be created as it is described.
        """
        found = await self._store.read(lambda tx: {app: _there(tx, app) for app in manifest.apps})
        plan = ManifestPlan()
        for app, entry in manifest.apps.items():
            ties, variables = found[app]
            part = _compare(self._kit.registry, app, entry, ties, variables)
            surplus = _surplus(app, entry, ties, variables)
            bound = await asyncio.to_thread(_branches, app, entry, variables)
            plan = ManifestPlan(
                (*plan.changes, *part.changes, *bound.changes, *(surplus if prune else ())),
                (*plan.problems, *part.problems, *bound.problems),
                (*plan.kept, *(() if prune else (f"{app}: {each.subject}" for each in surplus))),
            )
        for change in plan.changes:
            if change.verb is Verb.CREATE:
                entry_ = manifest.apps[change.app].addons[change.subject]
                await self._kit.plan_create(
                    change.detail, change.app, alias=_alias(change), version=entry_.version, options=entry_.options
                )
        changes = [self._with_trash(each, found[each.app][0]) for each in plan.changes]
        return attrs.evolve(plan, changes=tuple(sorted(changes, key=_order)))

    def _with_trash(self, change: Change, ties: Mapping[str, _Tie]) -> Change:
        """What is destroyed goes to the trash where that can be."""
        if change.verb is not Verb.DESTROY or self._kit.trash.why_not(ties[change.subject].instance):
            return change
        back = f"all data of {change.detail}, in the trash; `addonkit undestroy {change.detail}` brings them back"
        return attrs.evolve(change, lost=(), stays=(back,))

    async def apply(self, manifest: Manifest, shown: ManifestPlan, *, prune: bool = False) -> AsyncIterator[Change]:
        """Carry out a plan; yields each change when it is done. What was done stays when a later one fails.

        Raises:
            Conflict: the plan has problems, or is another one by now.
        """
        attempted = "cannot apply the manifest"
        if shown.problems:
            raise Conflict(attempted, "; ".join(shown.problems))
        if await self.plan(manifest, prune=prune) != shown:
            raise Conflict(attempted, "something changed since the plan was shown", "run the command again")
        for change in shown.changes:
            await _carry_out(self._kit, manifest.apps[change.app], change)
            yield change

    async def export(self) -> tuple[Manifest, tuple[str, ...]]:
        """Return a manifest of all that there is, and what it cannot say: `APP: VARIABLE` of secrets set by hand."""

        def look(tx: Reader) -> dict[str, tuple[dict[str, _Tie], App | None]]:
            return {entity.name: _there(tx, entity.name) for entity in tx.list(App).items}

        apps, secrets = {}, []
        for app, (ties, owner) in (await self._store.read(look)).items():
            if owner is not None and owner.branch_of is not None:
                continue  # its copies are made when they are needed
            variables = owner.variables if owner else ()
            secrets += [f"{app}: {each.key}" for each in variables if each.sensitive]
            plain = {each.key: each.text for each in variables if not each.sensitive}
            entries = {label: _entry(tie) for label, tie in ties.items()}
            apps[app] = AppEntry(entries, plain, _bound(owner.branching) if owner and owner.branching else None)
        return Manifest(apps), tuple(secrets)


def _there(tx: Reader, app: str) -> tuple[dict[str, _Tie], App | None]:
    """What an app has, by its names in the app; without what is on its way out."""
    ties = {}
    for association in associations_of(tx, app):
        instance = tx.get(Instance, association.instance)
        if instance is not None and Phase.DEPROVISIONING not in {association.phase, instance.value.phase}:
            state = tx.get(BackupState, instance.name)
            planned = ScheduleEntry(state.value.cron, state.value.keep) if state and state.value.cron else None
            ties[association.label] = _Tie(association, instance.value, planned)
    owner = tx.get(App, app)
    return ties, owner.value if owner else None


def _compare(
    registry: Registry, app: str, entry: AppEntry, ties: Mapping[str, _Tie], owner: App | None
) -> ManifestPlan:
    changes, problems = [], []
    for label, addon in entry.addons.items():
        if label not in ties:
            changes.append(_missing(app, label, addon))
            changes += _other_schedule(app, label, addon, None)
            continue
        problem = _difference(registry, label, addon, ties[label])
        problems += [problem] if problem else []
        if not (problem or addon.attach):
            changes += _other_options(registry, app, label, addon, ties[label].instance)
            changes += _other_schedule(app, label, addon, ties[label].schedule)
    there = {each.key: each for each in (owner.variables if owner else ())}
    changes += [
        Change(Verb.SET, app, key)
        for key, text in entry.variables.items()
        if key not in there or there[key].text != text or there[key].sensitive
    ]
    return ManifestPlan(tuple(changes), tuple(problems))


def _missing(app: str, label: str, entry: AddonEntry) -> Change:
    if entry.attach:
        return Change(Verb.ATTACH, app, label, entry.attach)
    return Change(Verb.CREATE, app, label, entry.addon or label)


def _difference(registry: Registry, label: str, entry: AddonEntry, tie: _Tie) -> str:
    """Why what is there is not what the entry asks for; empty when it is."""
    instance = tie.instance
    if entry.attach:
        there = f"{label} of {tie.association.app} is {instance.name}"
        return "" if instance.name == entry.attach else f"{there}, the manifest says {entry.attach}"
    addon, variant = registry.resolve_addon_and_variant(str(AddonSpec.parse(entry.addon or label)))
    version = instance.config.get(CONFIG_VERSION, "")
    wanted, found = f"{addon}:{variant}", f"{instance.addon}:{instance.variant}"
    if wanted != found:
        return f"{instance.name} is {found}, the manifest says {wanted}"
    if entry.version and not f"{version}.".startswith(f"{entry.version}."):
        return f"{instance.name} has version {version}, the manifest says {entry.version}"
    return ""


def _other_options(
    registry: Registry, app: str, label: str, entry: AddonEntry, instance: Instance
) -> tuple[Change, ...]:
    """The change of options that an entry asks for, one or none.

    Raises:
        InvalidInput: there is no such option, it cannot be changed, or a value is not allowed.
    """
    options = registry.get(instance.addon, instance.distribution).definition.options_of(instance.variant)
    attempted = f"cannot change options of {instance.name}"
    wanted = options.checked(entry.options, attempted=attempted, former=instance.config)
    others = {
        name: value for name, value in wanted.items() if instance.config.get(name, options.default(name)) != value
    }
    if not others:
        return ()
    restart = "; its server restarts" if options.needs_restart(instance.config, others) else ""
    return (
        Change(
            Verb.CONFIGURE, app, label, f"{', '.join(f'{name}={value}' for name, value in others.items())}{restart}"
        ),
    )


def _other_schedule(app: str, label: str, entry: AddonEntry, there: ScheduleEntry | None) -> tuple[Change, ...]:
    """The change of the schedule that an entry asks for, one or none.

    Raises:
        InvalidInput: what it says is no schedule.
    """
    wanted = entry.schedule
    if wanted is None or wanted == there:
        return ()
    check_cron(wanted.cron)
    if wanted.keep:
        parse_keep(wanted.keep)
    return (Change(Verb.SCHEDULE, app, label, f"{wanted.cron}{f', keep {wanted.keep}' if wanted.keep else ''}"),)


def _branches(app: str, entry: AppEntry, owner: App | None) -> ManifestPlan:
    """The change of the repository that an entry asks for, one or none. Blocking."""
    wanted = entry.branches
    if wanted is None:
        return ManifestPlan()
    found = find_checkout(wanted.directory)
    if found is None:
        return ManifestPlan(problems=(f"{app}: {wanted.directory} is in no git repository",))
    there = owner.branching if owner else None
    base = wanted.base or (there.base if there and there.git == found.git else found.branch)
    if not base:
        return ManifestPlan(problems=(f"{app}: no branch is checked out in {wanted.directory}; name one as base",))
    if there == Branching(found.git, base):
        return ManifestPlan()
    return ManifestPlan((Change(Verb.BIND, app, base, wanted.directory),))


def _bound(branching: Branching) -> BranchesEntry:
    return BranchesEntry(branching.git.removesuffix("/.git"), branching.base)


def _surplus(app: str, entry: AppEntry, ties: Mapping[str, _Tie], owner: App | None) -> list[Change]:
    """What an app has and its entry does not name. Secrets set by hand are never in a manifest, so they are left."""
    found = []
    for label, tie in ties.items():
        if label in entry.addons:
            continue
        if tie.own:
            lost = (f"all data of {tie.instance.name}",)
            found.append(Change(Verb.DESTROY, app, label, tie.instance.name, lost))
        else:
            found.append(Change(Verb.DETACH, app, label, tie.instance.name))
    variables = owner.variables if owner else ()
    found += [
        Change(Verb.UNSET, app, each.key)
        for each in variables
        if each.key not in entry.variables and not each.sensitive
    ]
    return found


def _order(change: Change) -> int:
    """What appears comes first; what an app attaches may be created for another one."""
    return list(Verb).index(change.verb)


def _alias(change: Change) -> str:
    return "" if AddonSpec.parse(change.detail).addon == change.subject else change.subject


async def _carry_out(kit: Kit, entry: AppEntry, change: Change) -> None:
    match change.verb:
        case Verb.CREATE:
            asked = entry.addons[change.subject]
            await kit.create(
                change.detail, change.app, alias=_alias(change), version=asked.version, options=asked.options
            )
        case Verb.CONFIGURE:
            await kit.options.set(change.subject, entry.addons[change.subject].options, app=change.app)
        case Verb.ATTACH:
            addon = (await kit.show(change.detail)).instance.addon
            await kit.attach(change.detail, change.app, alias="" if addon == change.subject else change.subject)
        case Verb.SET:
            await kit.set_variables(change.app, {change.subject: entry.variables[change.subject]})
        case Verb.SCHEDULE | Verb.BIND:
            await _arrange(kit, entry, change)
        case Verb.DETACH:
            await kit.detach(change.detail, change.app)
        case Verb.DESTROY:
            await kit.destroy(change.detail)
        case Verb.UNSET:
            await kit.unset_variables(change.app, [change.subject])


async def _arrange(kit: Kit, entry: AppEntry, change: Change) -> None:
    if change.verb is Verb.BIND:
        await kit.branches.bind(change.app, change.detail, change.subject)
        return
    wanted = entry.addons[change.subject].schedule
    if wanted is not None:
        await kit.schedules.set(change.subject, wanted.cron, change.app, keep=wanted.keep)


def _entry(tie: _Tie) -> AddonEntry:
    instance = tie.instance
    if not tie.own:
        return AddonEntry(attach=instance.name)
    chosen = {name: OptionText(value) for name, value in instance.options.items()}
    version = instance.config.get(CONFIG_VERSION, "")
    return AddonEntry(f"{instance.addon}:{instance.variant}", version, options=chosen, schedule=tie.schedule)
