"""Operations on data for git branches: `Kit.branches`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

import attrs

from addonkit.controller import branches
from addonkit.controller.backups.move_service import MoveService
from addonkit.controller.lookup import get_app, instances_of
from addonkit.errors import InvalidInput, NotFound
from addonkit.kit.data_places import place_like, without_listening
from addonkit.models.app import Branching, BranchOf
from addonkit.models.instance import Association, Instance, Purpose
from addonkit.models.views import Environment
from addonkit.util.git_branch import branch_app, branches_of, find_checkout
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases


@frozen
class BranchStatus:
    """The data that a directory uses.

    Attributes:
        app: that was asked about.
        branch: that the directory is on; empty outside of the app's repository, and for an app without branches.
        base: the branch whose data are the app's own; empty for an app without branches.
        uses: the app whose instances are used: its own name, or that of the copies.
        instances: names of those that are there; copies are made when they are first needed.
        missing: names of instances that have no copy yet.
    """

    app: str
    branch: str
    base: str
    uses: str
    instances: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@frozen
class BranchView:
    """The copies of one branch.

    Attributes:
        app: whose data were copied; `branch` for which.
        uses: the app that has the copies.
        instances: names of the copies.
        exists: whether git has the branch; None when it cannot be asked.
    """

    app: str
    branch: str
    uses: str
    instances: tuple[str, ...]
    exists: bool | None


class Branches:
    """Gives an app other data on each git branch. All methods raise AddonkitErrors.

    A directory outside of the app's repository uses the app's own data, as its base branch does.
    """

    def __init__(self, kit: Kit, store: Store, leases: Leases, moves: MoveService) -> None:
        self._kit = kit
        self._store = store
        self._leases = leases
        self._moves = moves

    async def bind(self, app: str, directory: str, base: str = "") -> Branching:
        """Give an app other data on each branch of the repository that a directory is in.

        Args:
            app: its name.
            directory: in the repository.
            base: the branch whose data are the app's own; default is the one that is checked out.

        Raises:
            InvalidInput: it is no repository, or has no branch checked out.
            Busy: the app has copies for branches of another one.
        """
        found = await asyncio.to_thread(find_checkout, directory)
        attempted = f"cannot bind {app} to a git repository"
        if found is None:
            raise InvalidInput(attempted, f"{directory} is in none", "run it in your checkout")
        if not (base or found.branch):
            raise InvalidInput(attempted, "no branch is checked out", "name one with --base")
        branching = Branching(found.git, base or found.branch)
        await self._store.transact(lambda tx: branches.bind_app(tx, app, branching))
        return branching

    async def unbind(self, app: str) -> tuple[str, ...]:
        """Remove all copies of an app's data, and use its own on every branch; names of the branches."""
        found = await self.list(app)
        for each in found:
            await self._remove(each.uses)
        await self._store.transact(lambda tx: branches.unbind_app(tx, app))
        return tuple(each.branch for each in found)

    async def status(self, app: str, directory: str) -> BranchStatus:
        """Return whose data a directory uses; nothing is made.

        Raises:
            InvalidInput: the directory is in the app's repository, and no branch is checked out.
        """
        entity = await self._store.read(lambda tx: get_app(tx, app, f"cannot tell the branch of {app}"))
        branching = entity.value.branching
        if branching is None:
            return await self._status(BranchStatus(app, "", "", app))
        found = await asyncio.to_thread(find_checkout, directory)
        if found is None or found.git != branching.git:
            return await self._status(BranchStatus(app, "", branching.base, app))
        if not found.branch:
            advice = "check a branch out, or name one in ADDONKIT_BRANCH"
            raise InvalidInput(f"cannot tell which data of {app} are meant", "no branch is checked out", advice)
        uses = app if found.branch == branching.base else branch_app(app, found.branch)
        return await self._status(BranchStatus(app, found.branch, branching.base, uses))

    async def statuses(self, directory: str) -> tuple[BranchStatus, ...]:
        """Return whose data a directory uses, for each app that is bound to its repository; nothing is made.

        Raises:
            InvalidInput: it is in a repository where no branch is checked out.
        """
        found = await asyncio.to_thread(find_checkout, directory)
        if found is None:
            return ()
        apps = await self._store.read(lambda tx: branches.apps_of(tx, found.git))
        return tuple([await self.status(app, directory) for app in apps])

    async def prepare(self, app: str, directory: str) -> BranchStatus:
        """Make the copies that a directory's branch needs and has not; whose data it uses then."""
        status = await self.status(app, directory)
        if not status.missing:
            return status
        await self._copy(app, status.branch, status.uses)
        return await self.status(app, directory)

    async def environment(self, status: BranchStatus, without: Collection[str] = ()) -> Environment:
        """Return what an app receives where `prepare` has said so."""
        if status.uses == status.app:
            return await self._kit.environment(status.app, without=without)
        return await self._store.read(lambda tx: branches.branch_environment(tx, status.app, status.uses, without))

    async def list(self, app: str | None = None) -> tuple[BranchView, ...]:
        """Return the branches that have copies, of one app or of all."""
        found = await self._store.read(lambda tx: branches.copies_of(tx, app))
        known: dict[str, frozenset[str] | None] = {}
        return tuple(
            [await self._view(each.name, each.value.branch_of, known) for each in found if each.value.branch_of]
        )

    async def reset(self, app: str, branch: str) -> BranchView:
        """Remove the copies of a branch, and make them anew of what the app has now."""
        found = await self.find(app, branch)
        await self._remove(found.uses)
        await self._copy(app, branch, found.uses)
        return await self.find(app, branch)

    async def delete(self, app: str, branch: str) -> BranchView:
        """Remove the copies of a branch with their data; they are made again when they are needed."""
        found = await self.find(app, branch)
        await self._remove(found.uses)
        return found

    async def prune(self, app: str | None = None) -> tuple[BranchView, ...]:
        """Remove the copies of all branches that git does not have any more."""
        gone = [each for each in await self.list(app) if each.exists is False]
        for each in gone:
            await self._remove(each.uses)
        return tuple(gone)

    async def _status(self, status: BranchStatus) -> BranchStatus:
        found = await self._store.read(lambda tx: instances_of(tx, status.uses))
        missing = (
            ()
            if status.uses == status.app
            else await self._store.read(lambda tx: branches.missing_copies(tx, status.app, status.uses))
        )
        return attrs.evolve(
            status,
            instances=tuple(each.name for each in found),
            missing=tuple(instance.name for instance, _tie in missing),
        )

    async def _copy(self, app: str, branch: str, copy: str) -> None:
        async with self._leases.hold(f"branch/{copy}"):
            await self._store.transact(lambda tx: branches.ensure_copy(tx, copy, BranchOf(app, branch)))
            for instance, tie in await self._store.read(lambda tx: branches.missing_copies(tx, app, copy)):
                await self._copy_one(instance, tie, copy)

    async def _copy_one(self, instance: Instance, tie: Association, copy: str) -> None:
        definition = self._kit.registry.get(instance.addon, instance.distribution).definition
        variant = definition.variant(instance.variant)
        if variant is not None and variant.is_cache:
            spec, options = f"{instance.addon}:{instance.variant}", without_listening(instance.options)
            await self._kit.create(spec, copy, alias=tie.alias, socket=tie.socket, options=options)
            return
        await self._moves.clone(instance, place_like(instance, copy), f"{copy}-{tie.label}", tie.alias)

    async def _view(self, name: str, of: BranchOf, known: dict[str, frozenset[str] | None]) -> BranchView:
        """Return the copies of a branch; git is asked once for each repository, and `known` has its answers."""
        owner, found = await self._store.read(lambda tx: (branches.branching_of(tx, of.app), instances_of(tx, name)))
        if owner and owner.git not in known:
            known[owner.git] = await asyncio.to_thread(branches_of, owner.git)
        there = known[owner.git] if owner else None
        exists = None if there is None else of.branch in there
        return BranchView(of.app, of.branch, name, tuple(each.name for each in found), exists)

    async def find(self, app: str, branch: str) -> BranchView:
        """Return the copies of one branch of an app.

        Raises:
            NotFound: there are none.
        """
        found = await self.list(app)
        for each in found:
            if each.branch == branch:
                return each
        known = ", ".join(each.branch for each in found) or "none"
        raise NotFound(f"cannot find branch {branch!r} of {app}", f"branches with copies: {known}")

    async def _remove(self, copy: str) -> None:
        """Remove all copies of a branch; then nothing is left that the app of them is kept for."""
        for view in await self._kit.instances(copy):
            if view.instance.app == copy and view.instance.purpose is Purpose.SERVE:
                await self._kit.destroy(view.instance.name, now=True)
        await self._store.transact(lambda tx: branches.forget_copy(tx, copy))
