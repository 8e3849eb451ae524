"""Compares a manifest with what there is, and carries out the difference."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from addonkit.archive.retention import parse_keep
from addonkit.controller.backups.schedule import check_cron
from addonkit.controller.variables import associations_of
from addonkit.errors import BackupError, Conflict, InvalidInput
from addonkit.kit.operations import check_role
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
    CHANGE = "change"
    UPGRADE = "upgrade"
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
        detail: what is created, attached or destroyed, the variant or version that comes, or which options change; when
            backups are made; the repository and its base branch. Empty for variables, whose values are not shown.
        moves: variables that would have other names, in words.
        lost: what would be lost for good, in words; empty when nothing is.
        stays: what would stay in the trash or in a former place, in words.
    """

    verb: Verb
    app: str
    subject: str
    detail: str = ""
    moves: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()

    @property
    def variant(self) -> str:
        """The variant that comes; empty when none does."""
        return AddonSpec.parse(self.detail).variant or ""


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
        changes, problems = [], [*plan.problems]
        for change in plan.changes:
            entry_ = manifest.apps[change.app].addons.get(change.subject, AddonEntry())
            if change.verb is Verb.ATTACH and entry_.role:
                await self._check_role(change, entry_.role, plan.changes)
            try:
                changes.append(await self._with_effects(change, entry_))
            except (BackupError, Conflict, InvalidInput) as error:
                if change.verb not in {Verb.CHANGE, Verb.UPGRADE}:
                    raise
                problems.append(str(error))
        changes = [self._with_trash(each, found[each.app][0]) for each in changes]
        return attrs.evolve(plan, changes=tuple(sorted(changes, key=_order)), problems=tuple(problems))

    async def _check_role(self, change: Change, role: str, changes: Sequence[Change]) -> None:
        """Make sure that what is attached has a role; it may be created before.

        Raises:
            InvalidInput: it has none of that name.
        """
        made = (each.detail for each in changes if f"{each.app}-{each.subject}" == change.detail)
        spec = next((each for each in made if each), "")
        addon = AddonSpec.parse(spec).addon if spec else (await self._kit.show(change.detail)).instance.addon
        check_role(self._kit.registry.get(addon).definition, role, f"cannot attach {change.detail} to {change.app}")

    async def _with_effects(self, change: Change, entry: AddonEntry) -> Change:
        """Ask what a change would do besides.

        Raises:
            AddonkitError: it would be refused.
        """
        kit, name, app = self._kit, change.subject, change.app
        if change.verb is Verb.CREATE:
            alias, version = _alias(change), entry.version
            plan = await kit.plan_create(change.detail, app, alias=alias, version=version, options=entry.options)
        elif change.verb is Verb.CHANGE:
            plan = await kit.changes.plan_change(name, change.variant, app)
        elif change.verb is Verb.UPGRADE:
            plan = await kit.changes.plan_upgrade(name, change.detail, app)
        else:
            return change
        moves = tuple(f"{each.old} would be {each.new}: {each.reason}" for each in plan.move)
        gone = (f"the variable {each}" for each in plan.vanish)
        return attrs.evolve(change, moves=moves, lost=(*plan.lost, *gone), stays=plan.stays)

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
            changes += _other_place(app, label, addon, ties[label].instance)
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
    instance, association = tie.instance, tie.association
    there = f"{label} of {association.app}"
    if entry.attach and instance.name != entry.attach:
        return f"{there} is {instance.name}, the manifest says {entry.attach}"
    if entry.socket != association.socket:
        ways = ("its port", "the socket of its server")
        return f"{there} uses {ways[association.socket]}, the manifest says {ways[entry.socket]}"
    if entry.role and entry.role != (association.role or _first_role(registry, instance)):
        return f"{there} has the role {association.role or 'of an owner'}, the manifest says {entry.role}"
    if entry.attach:
        return ""
    addon, _ = registry.resolve_addon_and_variant(str(AddonSpec.parse(entry.addon or label)))
    return "" if addon == instance.addon else f"{instance.name} is of {instance.addon}, the manifest says {addon}"


def _first_role(registry: Registry, instance: Instance) -> str:
    return next(iter(registry.get(instance.addon, instance.distribution).definition.roles), "")


def _variant(label: str, entry: AddonEntry, instance: Instance) -> str:
    """The variant that an instance is to have: its own when the entry names none."""
    return AddonSpec.parse(entry.addon or label).variant or instance.variant


def _other_place(app: str, label: str, entry: AddonEntry, instance: Instance) -> list[Change]:
    """The changes of variant and of version that an entry asks for; the data move for each of them."""
    variant, version = _variant(label, entry, instance), instance.config.get(CONFIG_VERSION, "")
    changes = []
    if variant != instance.variant:
        changes.append(Change(Verb.CHANGE, app, label, f"{instance.addon}:{variant}"))
    if entry.version and not f"{version}.".startswith(f"{entry.version}."):
        changes.append(Change(Verb.UPGRADE, app, label, entry.version))
    return changes


def _other_options(
    registry: Registry, app: str, label: str, entry: AddonEntry, instance: Instance
) -> tuple[Change, ...]:
    """The change of options that an entry asks for, one or none.

    Raises:
        InvalidInput: there is no such option, it cannot be changed, or a value is not allowed.
    """
    definition = registry.get(instance.addon, instance.distribution).definition
    options = definition.options_of(_variant(label, entry, instance))
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


async def _move(kit: Kit, change: Change) -> None:
    if change.verb is Verb.CHANGE:
        await kit.changes.change(change.subject, change.variant, change.app)
    else:
        await kit.changes.upgrade(change.subject, change.detail, change.app)


async def _carry_out(kit: Kit, entry: AppEntry, change: Change) -> None:
    match change.verb:
        case Verb.CREATE:
            asked = entry.addons[change.subject]
            await kit.create(
                change.detail,
                change.app,
                alias=_alias(change),
                version=asked.version,
                socket=asked.socket,
                options=asked.options,
            )
        case Verb.CHANGE | Verb.UPGRADE:
            await _move(kit, change)
        case Verb.CONFIGURE:
            await kit.options.set(change.subject, entry.addons[change.subject].options, app=change.app)
        case Verb.ATTACH:
            asked, addon = entry.addons[change.subject], (await kit.show(change.detail)).instance.addon
            alias = "" if addon == change.subject else change.subject
            await kit.attach(change.detail, change.app, alias=alias, socket=asked.socket, role=asked.role)
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
    socket, role = tie.association.socket, tie.association.role
    if not tie.own:
        return AddonEntry(attach=instance.name, role=role, socket=socket)
    chosen = {name: OptionText(value) for name, value in instance.options.items()}
    version = instance.config.get(CONFIG_VERSION, "")
    spec = f"{instance.addon}:{instance.variant}"
    return AddonEntry(spec, version, options=chosen, schedule=tie.schedule, socket=socket)
