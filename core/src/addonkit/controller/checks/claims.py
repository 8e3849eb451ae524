"""Checks what instances have on servers: what belongs to no instance, and what an instance has lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from addonkit.controller.checks.disk_space import FULL
from addonkit.controller.execution_ids import once_id
from addonkit.errors import AddonBroken, AddonkitError, StoreFull, UnknownAddon
from addonkit.models.instance import Instance, Phase, Server, ServerPhase
from addonkit.models.views import Finding

if TYPE_CHECKING:
    from addonkit.controller.checks.servers import ServerChecks
    from addonkit.engine.engine import Engine
    from addonkit.models.result import Inventory
    from addonkit.provider.framework import ProviderFramework
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store


class Differences(NamedTuple):
    """Differences between a server and the store: things on it that should not be, and things that are missing.

    Attributes:
        unowned: claims that no instance has.
        lost: active instances whose claims are not there or not whole.
        changed: active instances whose password is another one than apps receive.
        outdated: active instances with rights of a former release.
        hogs: active instances that use up what all share, with what each holds.
    """

    unowned: tuple[str, ...] = ()
    lost: tuple[Instance, ...] = ()
    changed: tuple[Instance, ...] = ()
    outdated: tuple[Instance, ...] = ()
    hogs: tuple[tuple[Instance, str], ...] = ()


class ClaimChecks:
    """Asks each server for what lives on it, and compares that with the instances that should."""

    def __init__(
        self, store: Store, registry: Registry, framework: ProviderFramework, engine: Engine, servers: ServerChecks
    ) -> None:
        self._store = store
        self._registry = registry
        self._framework = framework
        self._engine = engine
        self._servers = servers

    async def check_claims(self) -> list[Finding]:
        """Return a finding for each claim without an instance, and each instance without its claim."""
        servers = await self._store.list(Server, {"phase": ServerPhase.ACTIVE})
        found = await asyncio.gather(*(self._check(each.value) for each in servers))
        return [finding for findings in found for finding in findings]

    async def _check(self, server: Server) -> list[Finding]:
        try:
            found = await self.differences(server)
        except (AddonBroken, UnknownAddon):
            return []  # the finding is about the addon, or about the instances that live there
        except AddonkitError as error:
            kind = FULL if isinstance(error, StoreFull) else "server-down"
            names = ", ".join(each.name for each in await self._framework.servers.tenants(server.id)) or server.id
            return [Finding(kind, names, f"its server cannot be asked what it has: {error}", key=server.id)]
        findings = [*(_unowned(server, claim) for claim in found.unowned), *map(_lost, found.lost)]
        findings += [*map(_changed, found.changed), *_outdated(server, found.outdated)]
        return [*findings, *(_hog(server, *each) for each in found.hogs)]

    async def differences(self, server: Server) -> Differences:
        """Compare what lives on a server with its active instances.

        Reports nothing about a server that does not serve. A claim without an instance is a matter of shared servers:
        what else there is on its own server is the app's.
        """
        addon = self._registry.get(server.addon)
        if "inspect" not in addon.capabilities or not await self._servers.serves(server.id):
            return Differences()
        # Asked before and after: what comes or goes meanwhile is not lost.
        before = {each.id for each in await self._framework.servers.tenants(server.id) if each.phase is Phase.ACTIVE}
        inventory: Inventory = await self._engine.ensure(
            once_id("inspect", server.id), addon.inspect(server), subject={"server": server.id}
        )
        tenants = await self._framework.servers.tenants(server.id)
        active = [each for each in tenants if each.id in before and each.phase is Phase.ACTIVE and each.claim]
        unowned = set(inventory.claims) - {each.claim for each in tenants} if server.shared else ()
        return Differences(
            tuple(sorted(unowned)),
            tuple(each for each in active if each.claim in inventory.lost),
            tuple(each for each in active if each.claim in inventory.changed),
            tuple(each for each in active if each.claim in inventory.outdated),
            tuple((each, inventory.hogs[each.claim]) for each in active if each.claim in inventory.hogs),
        )


def _unowned(server: Server, claim: str) -> Finding:
    problem = f"{claim!r} on {server.id} belongs to no instance"
    return Finding("orphan-claim", f"{server.id}/{claim}", problem, "drop it with its data")


def _changed(instance: Instance) -> Finding:
    what = f"{instance.claim!r} on its {instance.addon} server has another password than its variables"
    how = "run `addonkit doctor --fix` for a new one, then restart its apps"
    return Finding("changed-password", instance.name, f"{what}; {how}", "give it a new one", key=instance.id)


def _outdated(server: Server, instances: tuple[Instance, ...]) -> list[Finding]:
    if not instances:
        return []
    names = ", ".join(each.name for each in instances)
    what = f"a former release gave it more rights on its {server.addon} server than an app has today"
    how = "run `addonkit doctor --fix` to restart the server, which brings them up to date"
    return [Finding("outdated-rights", names, f"{what}; {how}", "restart its server", key=server.id)]


def _hog(server: Server, instance: Instance, held: str) -> Finding:
    what = f"it holds {held} of its {instance.addon} server, so other apps there fail"
    how = "end its sessions, or run `addonkit doctor --fix` to restart the server"
    return Finding("hogged-server", instance.name, f"{what}; {how}", "restart its server", key=server.id)


def _lost(instance: Instance) -> Finding:
    what = f"{instance.claim!r} is not on its {instance.addon} server any more, so its data are lost"
    ways = f"run `addonkit doctor --fix` to make it again, empty, or `addonkit destroy {instance.name}` to remove it"
    return Finding("lost-data", instance.name, f"{what}; {ways}", "make it again, empty", key=instance.id)
