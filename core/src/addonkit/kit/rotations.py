"""Replaces the credentials of apps: new ones, then a time for sessions to change over, then the former ones end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.execution_ids import once_id
from addonkit.controller.lookup import existing, find_attached, find_instance, lookup_instance
from addonkit.controller.moving import check_still
from addonkit.controller.rotation import GRACE, begin_rotation, mark_formers, next_credentials
from addonkit.controller.step_context import subject_of
from addonkit.controller.variables import by_order
from addonkit.errors import Busy, InstanceFailed, InvalidInput, NotFound
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.result import Sessions
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.controller.certificates import CertificateKeeper
    from addonkit.controller.controller import Controller
    from addonkit.kit.services import Services
    from addonkit.registry.addon import Addon
    from addonkit.store.interface import Reader, Transaction

_LOOK_FIRST: Final = 0.2
_LOOK_LAST: Final = 3.0
"""Seconds between two looks at sessions: more each time."""


@frozen
class Kept:
    """Former credentials that still work.

    Attributes:
        app: whose they were.
        association: id of its tie.
        generation: theirs.
        until: when they may be revoked.
        sessions: that use them; None where the service does not tell.
        problem: why they could not be revoked; empty when that was not tried.
    """

    app: str
    association: str
    generation: int
    until: datetime
    sessions: int | None = None
    problem: str = ""


@frozen
class Rotated:
    """The result of a rotation.

    Attributes:
        instance: its name.
        apps: that have new credentials now.
        kept: former credentials that still work.
        ended: sessions that were ended, as --force asked for it.
        renewed: whether its server has another certificate.
        left: how many former credentials still work, where a service tells no more of them.
    """

    instance: str
    apps: tuple[str, ...]
    kept: tuple[Kept, ...] = ()
    ended: int = 0
    renewed: bool = False
    left: int = 0


class Rotations:
    """Operations on credentials.

    Args:
        publish: writes them where apps read them.
        certificates: renews those of servers that listen for other machines.
    """

    def __init__(
        self,
        services: Services,
        controller: Controller,
        publish: Callable[[], Awaitable[None]],
        certificates: CertificateKeeper,
    ) -> None:
        self._publish = publish
        self._certificates = certificates
        self._store = services.store
        self._registry = services.registry
        self._engine = services.engine
        self._clock = services.clock
        self._controller = controller

    async def rotate(
        self,
        name: str,
        app: str | None = None,
        *,
        grace: timedelta = GRACE,
        force: bool = False,
        wait: bool = True,
        published: Callable[[Sequence[str]], None] | None = None,
    ) -> Rotated:
        """Give apps new credentials, wait until no session uses the former ones, revoke those.

        A server that listens for other machines gets another certificate first, unless only one app is named.

        Interrupted anywhere, an app has its former or its new credentials, and both work; the next call continues.

        Args:
            name: of the instance.
            app: whose credentials; None for all apps that it is attached to.
            grace: how long sessions of the former ones have to end.
            force: end the sessions that are left then; otherwise their credentials are kept.
            wait: wait for that; otherwise `finish` does it later.
            published: called with the apps, as soon as they have their new credentials.

        Raises:
            InvalidInput: its addon cannot replace credentials.
            Busy: it is not active, or its data are being moved.
            InstanceFailed: new ones could not be made; the former ones stay.
        """
        instance, ties = await self._store.read(lambda tx: _chosen(tx, name, app))
        addon = self._admit(instance, ties)
        renewed = app is None and bool(instance.server) and await self._certificates.renew(instance.server)
        until = self._clock.now() + grace
        await self._store.transact(lambda tx: _begin(tx, instance, ties, until))
        await self._controller.reconcile(instance.id)
        await self._check(instance, ties)
        await self._publish()
        apps = tuple(sorted({tie.app for tie in ties}))
        if published is not None:
            published(apps)
        finished = await self._finish(addon, instance, until if wait else self._clock.now(), force=force and wait)
        return attrs.evolve(finished, apps=apps, renewed=renewed)

    async def check(self, name: str, app: str | None = None) -> None:
        """Make sure that credentials of an instance can be replaced now; raises what `rotate` does."""
        self._admit(*await self._store.read(lambda tx: _chosen(tx, name, app)))

    async def finish(self, name: str, *, force: bool = False) -> Rotated:
        """Revoke former credentials of an instance that no session uses, or whose time is over; with `force` all."""
        instance = await lookup_instance(self._store, name, None)
        addon = self._admit(instance, ())
        return await self._finish(addon, instance, self._clock.now(), force=force)

    def _admit(self, instance: Instance, ties: Sequence[Association]) -> Addon:
        self._registry.check_plugins()
        attempted = f"cannot rotate credentials of {instance.name}"
        if instance.phase is not Phase.ACTIVE:
            raise Busy(attempted, f"it is {instance.phase}", f"run `addonkit retry {instance.name}` first")
        addon = addon_of(self._registry, instance)
        if not addon.can_rotate:
            found = f"the addon {instance.addon} has no credentials that it can replace while they are used"
            raise InvalidInput(attempted, found, "destroy it and create another one, or ask the author of the addon")
        for tie in ties:
            addon.admit_bind(next_credentials(tie), instance)
        return addon

    async def _check(self, instance: Instance, ties: Sequence[Association]) -> None:
        """Make sure that all have new credentials."""
        now = {tie.id: tie for tie in await self._controller.associations(instance.id)}
        old = [tie for tie in ties if tie.id in now and now[tie.id].generation <= tie.generation]
        if not old:
            return
        cause = self._controller.cause(instance.id)
        found = f"{cause.found if cause else 'it was stopped'}; {old[0].app} keeps its former ones"
        advice = f"run `addonkit rotate {instance.name}` to try again"
        raise InstanceFailed(
            f"making new credentials of {instance.name}", found, advice, instance=instance.name
        ) from cause

    async def _finish(self, addon: Addon, instance: Instance, until: datetime, *, force: bool) -> Rotated:
        delay, ended = _LOOK_FIRST, 0
        while True:
            found, now = await self._look(addon, instance), self._clock.now()
            over = now >= until
            to_end = [each for each in found if _may_end(each, now, over=over, force=force)]
            if to_end:
                ended += sum(each.sessions or 0 for each in to_end)
                await self._revoke(instance, {(each.association, each.generation) for each in to_end})
                found = await self._look(addon, instance)
            # Where a service does not tell, there is nothing to wait for.
            if over or not any(each.sessions for each in found):
                return Rotated(instance.name, (), found, ended)
            await self._clock.sleep(min(delay, max((until - now).total_seconds(), 0.01)))
            delay = min(delay * 1.5, _LOOK_LAST)

    async def _revoke(self, instance: Instance, keys: set[tuple[str, int]]) -> None:
        await self._store.transact(
            lambda tx: mark_formers(tx, instance.id, lambda tie, former: (tie.id, former.generation) in keys)
        )
        await self._controller.reconcile(instance.id)

    async def _look(self, addon: Addon, instance: Instance) -> tuple[Kept, ...]:
        """Return former credentials of an instance, and the sessions that use them."""
        return tuple(
            [
                Kept(
                    tie.app,
                    tie.id,
                    former.generation,
                    former.until,
                    await self._sessions(addon, instance, tie, former.generation),
                    former.message,
                )
                for tie in await self._controller.associations(instance.id)
                if tie.phase is Phase.ACTIVE
                for former in tie.formers
            ]
        )

    async def _sessions(self, addon: Addon, instance: Instance, tie: Association, generation: int) -> int | None:
        saga = addon.sessions(tie.of_generation(generation), instance)
        subject = subject_of(instance, tie, generation=generation)
        found: Sessions = await self._engine.ensure(once_id("sessions", tie.id), saga, subject=subject)
        return found.count


def _may_end(kept: Kept, now: datetime, *, over: bool, force: bool) -> bool:
    """Return whether former credentials are to be revoked now. One that failed to be is not tried again by itself."""
    if force and over:
        return True
    if kept.sessions is None:
        return kept.until <= now
    return kept.sessions == 0


def _chosen(tx: Reader, name: str, app: str | None) -> tuple[Instance, tuple[Association, ...]]:
    if app is not None:
        instance, tie = find_attached(tx, name, app)
        ties: tuple[Association, ...] = (tie,)
    else:
        instance = find_instance(tx, name, None).value
        found = (entity.value for entity in tx.list(Association, {"instance": instance.id}).items)
        ties = tuple(sorted((tie for tie in found if tie.phase is Phase.ACTIVE), key=by_order))
    attempted = f"cannot rotate credentials of {instance.name}"
    if not ties:
        raise NotFound(attempted, "no app is attached to it", f"run `addonkit attach {instance.name} -a APP` first")
    for tie in ties:
        if tie.phase is not Phase.ACTIVE:
            raise Busy(attempted, f"{tie.app} has none yet: it is {tie.phase}", f"run `addonkit retry {instance.name}`")
    return instance, ties


def _begin(tx: Transaction, instance: Instance, ties: Sequence[Association], until: datetime) -> None:
    attempted = f"cannot rotate credentials of {instance.name}"
    check_still(existing(tx, Instance, instance.id).value, attempted)
    for tie in ties:
        if not begin_rotation(tx, tie.id, until):
            raise Busy(attempted, f"{tie.app} was detached meanwhile")
