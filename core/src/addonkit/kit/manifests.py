"""Manifests of a home: planned, applied and exported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from addonkit.errors import BackupError, Conflict, InvalidInput
from addonkit.kit.admission import check_role
from addonkit.kit.app_state import AppState, read_app
from addonkit.kit.manifest_comparison import Comparison
from addonkit.kit.manifest_execution import carry_out
from addonkit.kit.manifest_names import NAMES, gone_names, moved_names
from addonkit.models.app import App
from addonkit.models.manifest import AddonEntry, Manifest
from addonkit.models.manifest_plan import Change, ManifestPlan, Verb
from addonkit.models.spec import AddonSpec

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.variable import VariableMove
    from addonkit.store.interface import Store


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
        there = await self._store.read(lambda tx: {app: read_app(tx, app) for app in manifest.apps})
        plan = ManifestPlan()
        for app, entry in manifest.apps.items():
            comparison = Comparison(self._kit.registry, there[app], entry)
            missing, surplus = comparison.missing(), comparison.surplus()
            bound = await asyncio.to_thread(comparison.branches)
            plan = ManifestPlan(
                (*plan.changes, *missing.changes, *bound.changes, *(surplus if prune else ())),
                (*plan.problems, *missing.problems, *bound.problems),
                (*plan.kept, *(() if prune else (f"{app}: {each.subject}" for each in surplus))),
            )
        changes, problems = [], [*plan.problems]
        for change in plan.changes:
            entry_ = manifest.apps[change.app].addons.get(change.subject, AddonEntry())
            if change.verb is Verb.ATTACH and entry_.role:
                await self._check_role(change, entry_.role, plan.changes)
            try:
                changes.append(await self._with_effects(change, entry_, there[change.app]))
            except (BackupError, Conflict, InvalidInput) as error:
                if change.verb not in {Verb.CHANGE, Verb.UPGRADE}:
                    raise
                problems.append(str(error))
        changes = self._with_moves(changes, there)
        return attrs.evolve(plan, changes=tuple(sorted(changes, key=_order)), problems=tuple(problems))

    def _with_moves(self, changes: Sequence[Change], there: Mapping[str, AppState]) -> list[Change]:
        """Say with the first change of each app that takes or frees names which ones move by all of these."""
        found, seen = [], set()
        for change in changes:
            if change.verb not in NAMES or change.app in seen:
                found.append(change)
                continue
            seen.add(change.app)
            same = [each for each in changes if each.app == change.app]
            moves = moved_names(self._kit.registry, there[change.app], same)
            found.append(attrs.evolve(change, moves=tuple(map(_moved, moves))))
        return found

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
            await carry_out(self._kit, manifest.apps[change.app], change)
            yield change

    async def export(self) -> tuple[Manifest, tuple[str, ...]]:
        """Return a manifest of all that there is, and what it cannot say: `APP: VARIABLE` of secrets set by hand."""
        found = await self._store.read(lambda tx: [read_app(tx, entity.name) for entity in tx.list(App).items])
        apps = [each for each in found if not each.is_copy]
        secrets = [f"{app.name}: {each.key}" for app in apps for each in app.variables.values() if each.sensitive]
        return Manifest({app.name: app.entry() for app in apps}), tuple(secrets)

    async def _check_role(self, change: Change, role: str, changes: Sequence[Change]) -> None:
        """Make sure that what is attached has a role; it may be created before.

        Raises:
            InvalidInput: it has none of that name.
        """
        made = (each.detail for each in changes if f"{each.app}-{each.subject}" == change.detail)
        spec = next((each for each in made if each), "")
        addon = AddonSpec.parse(spec).addon if spec else (await self._kit.show(change.detail)).instance.addon
        check_role(self._kit.registry.get(addon).definition, role, f"cannot attach {change.detail} to {change.app}")

    async def _with_effects(self, change: Change, entry: AddonEntry, there: AppState) -> Change:
        """Ask what a change would do besides.

        Raises:
            AddonkitError: it would be refused.
        """
        kit, name, app = self._kit, change.subject, change.app
        if change.verb is Verb.CREATE:
            plan = await kit.plan_create(
                change.detail,
                app,
                alias=change.alias,
                version=entry.version,
                socket=entry.socket,
                options=entry.options,
            )
        elif change.verb is Verb.CHANGE:
            plan = await kit.changes.plan_change(name, change.variant, app)
        elif change.verb is Verb.UPGRADE:
            plan = await kit.changes.plan_upgrade(name, change.detail, app)
        else:
            return await self._with_gone(change, there)
        moves = tuple(map(_moved, plan.move))
        gone = (f"the variable {each}" for each in plan.vanish)
        return attrs.evolve(change, moves=moves, lost=(*plan.lost, *gone), stays=plan.stays)

    async def _with_gone(self, change: Change, there: AppState) -> Change:
        """Say which variables a change that needs no addon takes away, and where data stay."""
        ties = (await self._kit.show(change.detail)).associations if change.verb is Verb.DESTROY else ()
        change = attrs.evolve(change, gone=gone_names(change, there, ties))
        if change.verb is not Verb.DESTROY or self._kit.trash.why_not(there.ties[change.subject].instance):
            return change
        back = f"all data of {change.detail}, in the trash; `addonkit undestroy {change.detail}` brings them back"
        return attrs.evolve(change, lost=(), stays=(back,))


def _moved(move: VariableMove) -> str:
    return f"{move.old} would be {move.new}: {move.reason}"


def _order(change: Change) -> int:
    """Return what appears comes first; what an app attaches may be created for another one."""
    return list(Verb).index(change.verb)
