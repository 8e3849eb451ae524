"""Finds what exists and nobody owns, and what is owned and does not exist; mends what can be mended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from addonkit.controller.addons import how_to_install
from addonkit.controller.execution_ids import once_id
from addonkit.controller.pools import remove_server
from addonkit.controller.stuck_executions import stuck_executions
from addonkit.engine.recovery import unfinished
from addonkit.errors import AddonkitError, UnknownAddon
from addonkit.models.compute import Disk, Pool
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.models.instance import Instance, Phase, Server, ServerPhase
from addonkit.models.views import Finding
from addonkit.provider.server_sagas import removal_id
from addonkit.registry.discovery import ADDONS, State

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.controller.controller import Controller
    from addonkit.controller.pools import PoolKeeper
    from addonkit.engine.engine import Engine
    from addonkit.models.result import Inventory
    from addonkit.provider.framework import ProviderFramework
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases

UNFINISHED = "unfinished"
"""Kind of a finding whose fix goes on with what an addon does."""


class Services(Protocol):
    """What the doctor needs of the services that are open."""

    @property
    def store(self) -> Store: ...  # noqa: D102 - see kit.services.Services
    @property
    def leases(self) -> Leases: ...  # noqa: D102 - see kit.services.Services
    @property
    def registry(self) -> Registry: ...  # noqa: D102 - see kit.services.Services
    @property
    def backend(self) -> Backend: ...  # noqa: D102 - see kit.services.Services
    @property
    def framework(self) -> ProviderFramework: ...  # noqa: D102 - see kit.services.Services
    @property
    def engine(self) -> Engine: ...  # noqa: D102 - see kit.services.Services


class Doctor:
    """Compares store and machine. Looking changes nothing; each fix is one finding's."""

    def __init__(self, services: Services, controller: Controller, keeper: PoolKeeper) -> None:
        self._store = services.store
        self._leases = services.leases
        self._registry = services.registry
        self._backend = services.backend
        self._framework = services.framework
        self._engine = services.engine
        self._controller = controller
        self._keeper = keeper
        self._fixes: Mapping[str, Callable[[str], Awaitable[str]]] = {
            "orphan-process": self._remove_process,
            "orphan-disk": self._remove_disk,
            "orphan-server": self._remove_server,
            "orphan-claim": self._drop_claim,
            "server-down": self._start,
            UNFINISHED: self._continue,
            "stranded-execution": self._give_up,
        }

    async def examine(self) -> tuple[Finding, ...]:
        """Everything that is not as it should be, most pressing first."""
        checks = (self._addons, self._servers, self._orphans, self._claims, self._executions)
        return tuple([finding for check in checks for finding in await check()])

    async def fix(self, finding: Finding) -> str:
        """Mend one finding; a sentence about what was done."""
        fix = self._fixes.get(finding.kind)
        return await fix(finding.subject) if fix and finding.fix else f"{finding.subject}: nothing to do by itself"

    async def _addons(self) -> list[Finding]:
        findings = [
            Finding("broken-addon", report.name, f"{report.distribution} {report.version}: {report.reason}")
            for report in self._registry.report()
            if report.state not in {State.OK, State.BLOCKED}
        ]
        known = {report.name for report in self._registry.report() if report.group == ADDONS}
        for entity in await self._store.list(Instance):
            instance = entity.value
            if instance.addon not in known:
                problem = f"its addon {instance.addon} is away; {how_to_install(instance)}"
                findings.append(Finding("addon-not-installed", instance.name, problem))
        return findings

    async def _servers(self) -> list[Finding]:
        findings = []
        instances = {e.value.server for e in await self._store.list(Instance)}
        for entity in await self._store.list(Server):
            server = entity.value
            if server.id not in instances and not await self._is_worked_on(f"execution/{removal_id(server.id)}"):
                findings.append(
                    Finding("orphan-server", server.id, "no instance lives on it", "remove it with its data")
                )
            elif server.phase is ServerPhase.ACTIVE and not await self._runs(server.id):
                findings.append(Finding("server-down", server.id, "it should run and does not", "start it"))
        return findings

    async def _runs(self, name: str) -> bool:
        pool = await self._store.get(Pool, name)
        if pool is None:
            return False
        return not pool.value.spec.desired_instances or bool((await self._backend.observe(pool.value)).running)

    async def _orphans(self) -> list[Finding]:
        servers = {e.name for e in await self._store.list(Server)}
        pools = {*await self._backend.pools_here(), *(e.name for e in await self._store.list(Pool))}
        disks = {*await self._backend.disks_here(), *(e.name for e in await self._store.list(Disk))}
        found = [
            Finding("orphan-process", name, "no server of this name is known", "stop it and remove its files")
            for name in sorted(pools - servers)
        ]
        found += [
            Finding("orphan-disk", name, "no server of this name is known", "remove it with its data")
            for name in sorted(disks - servers)
        ]
        return found

    async def _claims(self) -> list[Finding]:
        findings = []
        for entity in await self._store.list(Server, {"phase": ServerPhase.ACTIVE}):
            server = entity.value
            try:
                for claim in await self._unowned_claims(server):
                    problem = f"{claim!r} on {server.id} belongs to no instance"
                    findings.append(Finding("orphan-claim", f"{server.id}/{claim}", problem, "drop it with its data"))
            except UnknownAddon:
                continue  # which is told of the instances that live there
            except AddonkitError as error:
                findings.append(Finding("server-down", server.id, f"it cannot be asked: {error}"))
        return findings

    async def _unowned_claims(self, server: Server) -> list[str]:
        if not server.shared or not await self._runs(server.id):
            return []
        addon = self._registry.get(server.addon)
        if "inspect" not in addon.capabilities:
            return []
        subject = {"server": server.id}
        inventory: Inventory = await self._engine.ensure(
            once_id("inspect", server.id), addon.inspect(server), subject=subject
        )
        tenants = {instance.claim for instance in await self._framework.servers.tenants(server.id)}
        return sorted(set(inventory.claims) - tenants)

    async def _executions(self) -> list[Finding]:
        idle = {execution.id for execution in await unfinished(self._store, self._leases)}
        idle |= {entity.name for entity in await self._store.list(Execution, {"status": ExecutionStatus.BLOCKED})}
        findings = list(await self._store.transact(lambda tx: stuck_executions(tx, idle)))
        for entity in await self._store.list(Instance):
            instance = entity.value
            unattended = not await self._is_worked_on(f"instance/{instance.id}")
            waiting = instance.phase in {Phase.PENDING, Phase.PROVISIONING, Phase.DEPROVISIONING}
            if waiting and unattended and not instance.message:
                problem = f"it is {instance.phase} and nobody works on it"
                findings.append(Finding(UNFINISHED, instance.name, problem, "continue"))
        return findings

    async def _is_worked_on(self, key: str) -> bool:
        return await self._leases.is_held(key)

    async def _remove_process(self, name: str) -> str:
        await self._framework.delete_sandbox_pool(name)
        return f"{name}: stopped, its files are removed"

    async def _remove_disk(self, name: str) -> str:
        await self._framework.delete_disk_by_name(name)
        return f"{name}: its disk is removed"

    async def _remove_server(self, name: str) -> str:
        await remove_server(self._framework, self._engine, name)
        return f"{name}: server and disk are removed"

    async def _drop_claim(self, subject: str) -> str:
        server_id, _, claim = subject.partition("/")
        server = await self._framework.servers.get(server_id)
        if server is None or claim not in await self._unowned_claims(server):
            return f"{subject}: gone already"
        saga = self._registry.get(server.addon).drop_claim(server, claim)
        await self._engine.ensure(once_id("drop", server.id), saga, subject={"server": server.id})
        return f"{claim}: dropped from {server.id}"

    async def _start(self, name: str) -> str:
        healed = await self._keeper.heal({name})
        return f"{name}: {healed.failed.get(name, 'it runs again')}"

    async def _give_up(self, id: str) -> str:
        await self._engine.abandon(id, reason="given up, what it served does not need it any more")
        return f"{id}: given up"

    async def _continue(self, name: str) -> str:
        for entity in await self._store.list(Instance, {"name": name}):
            reconciled = await self._controller.reconcile(entity.name)
            return f"{name}: {reconciled.phase if reconciled else 'gone'}"
        return f"{name}: gone already"
