"""Puts together what is not as it should be, and fixes what can be fixed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from addonkit.controller.checks.addons import check_addons
from addonkit.controller.checks.branches import check_branches
from addonkit.controller.checks.certificates import ELSEWHERE, EXPIRES, UNTRUSTED, check_certificates
from addonkit.controller.checks.claims import ClaimChecks
from addonkit.controller.checks.disk_space import check_disk_space
from addonkit.controller.checks.environment_files import check_environment_files
from addonkit.controller.checks.instances import FAILED, UNFINISHED, check_instances
from addonkit.controller.checks.lost_secrets import check_lost_secrets
from addonkit.controller.checks.servers import ServerChecks
from addonkit.controller.checks.stuck_executions import check_executions
from addonkit.controller.execution_ids import once_id
from addonkit.controller.lookup import existing
from addonkit.controller.pools import remove_server
from addonkit.controller.retrying import provision_again, retry_instance
from addonkit.models.instance import Instance, Phase

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.controller.certificates import CertificateKeeper
    from addonkit.controller.checks.backups import BackupChecks
    from addonkit.controller.controller import Controller
    from addonkit.controller.power import ServerPower
    from addonkit.engine.engine import Engine
    from addonkit.models.views import Finding
    from addonkit.provider.framework import ProviderFramework
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Entity, Store, Transaction
    from addonkit.store.leases import Leases
    from addonkit.util.clock import Clock


class Doctor:
    """Compares store and machine. Looking changes nothing; each fix is one finding's."""

    def __init__(
        self,
        store: Store,
        leases: Leases,
        registry: Registry,
        backend: Backend,
        framework: ProviderFramework,
        engine: Engine,
        controller: Controller,
        power: ServerPower,
        certificates: CertificateKeeper,
        clock: Clock,
        backups: Callable[[], BackupChecks],
    ) -> None:
        self._backend = backend
        self._certificates = certificates
        self._clock = clock
        self._store = store
        self._leases = leases
        self._registry = registry
        self._framework = framework
        self._engine = engine
        self._controller = controller
        self._power = power
        self._backups = backups
        self._servers = ServerChecks(store, leases, backend, framework)
        self._claims = ClaimChecks(store, registry, framework, engine, self._servers)
        self._fixes: Mapping[str, Callable[[Finding], Awaitable[str]]] = {
            "orphan-process": self._remove_process,
            "orphan-disk": self._remove_disk,
            "orphan-server": self._remove_server,
            "orphan-claim": self._drop_claim,
            "lost-data": self._make_again,
            "changed-password": self._renew_password,
            "server-down": self._start,
            "server-hung": self._restart,
            "server-outdated": self._restart,
            "shared-user": self._restart,
            "outdated-rights": self._restart,
            "hogged-server": self._restart,
            ELSEWHERE: self._restart,
            EXPIRES: self._renew_certificate,
            UNTRUSTED: self._write_authority,
            UNFINISHED: self._retry,
            FAILED: self._retry,
            "stranded-execution": self._give_up,
            "interrupted-backup": self._fix_backup,
            "expired-former": self._fix_backup,
            "leftover-scratch": self._fix_backup,
        }

    async def examine(self) -> tuple[Finding, ...]:
        """Return everything that is not as it should be, most pressing first.

        Raises:
            StoreCorrupted: when the state is damaged: what is missing in it would look like an orphan.
        """
        await self._store.verify()
        return (
            *await check_disk_space(self._backend),
            *await check_addons(self._store, self._registry),
            *await check_branches(self._store),
            *await check_environment_files(self._store),
            *await check_lost_secrets(self._store),
            *await self._servers.check_servers(),
            *await check_certificates(self._store, self._framework, self._backend, self._clock.now()),
            *await self._servers.check_unknown(),
            *await self._claims.check_claims(),
            *await check_executions(self._store, self._leases),
            *await check_instances(self._store, self._leases),
            *await self._backups().check_backups(),
        )

    async def fix(self, finding: Finding) -> str:
        """Fix one finding; return a sentence about what was done."""
        fix = self._fixes.get(finding.kind)
        return await fix(finding) if fix and finding.fix else f"{finding.subject}: only a person can fix this"

    async def _remove_process(self, finding: Finding) -> str:
        await self._framework.delete_sandbox_pool(finding.subject)
        return f"{finding.subject}: stopped, its files are removed"

    async def _remove_disk(self, finding: Finding) -> str:
        await self._framework.delete_disk_by_name(finding.subject)
        return f"{finding.subject}: its disk is removed"

    async def _remove_server(self, finding: Finding) -> str:
        await remove_server(self._framework, self._engine, finding.subject)
        return f"{finding.subject}: server and disk are removed"

    async def _drop_claim(self, finding: Finding) -> str:
        server_id, _, claim = finding.subject.partition("/")
        server = await self._framework.servers.get(server_id)
        if server is None or claim not in (await self._claims.differences(server)).unowned:
            return f"{finding.subject}: gone already"
        saga = self._registry.get(server.addon).drop_claim(server, claim)
        await self._engine.ensure(once_id("drop", server.id), saga, subject={"server": server.id})
        return f"{claim}: dropped from {server.id}"

    async def _make_again(self, finding: Finding) -> str:
        entity = await self._store.get(Instance, finding.key)
        server = await self._framework.servers.get(entity.value.server) if entity else None
        if server is None or finding.key not in {each.id for each in (await self._claims.differences(server)).lost}:
            return f"{finding.subject}: nothing is lost any more"
        return await self._work_on(finding, provision_again, "it is there again, empty")

    async def _renew_password(self, finding: Finding) -> str:
        entity = await self._store.get(Instance, finding.key)
        server = await self._framework.servers.get(entity.value.server) if entity else None
        changed = (await self._claims.differences(server)).changed if server else ()
        if finding.key not in {each.id for each in changed}:
            return f"{finding.subject}: it has its password again"
        return await self._work_on(finding, provision_again, "it has a new password; restart its apps")

    async def _start(self, finding: Finding) -> str:
        await self._power.start(finding.key)
        return f"{finding.subject}: its server runs again"

    async def _restart(self, finding: Finding) -> str:
        await self._power.restart(finding.key)
        return f"{finding.subject}: its server was restarted"

    async def _renew_certificate(self, finding: Finding) -> str:
        await self._certificates.renew(finding.key)
        return f"{finding.subject}: its certificate is renewed"

    async def _write_authority(self, finding: Finding) -> str:
        await self._framework.certificates.write()
        return f"{finding.subject}: written anew"

    async def _give_up(self, finding: Finding) -> str:
        await self._engine.abandon(finding.subject, reason="given up: its instance does not need it any more")
        return f"{finding.subject}: given up"

    async def _fix_backup(self, finding: Finding) -> str:
        return await self._backups().fix(finding)

    async def _retry(self, finding: Finding) -> str:
        return await self._work_on(finding, retry_instance, "it is active")

    async def _work_on(
        self, finding: Finding, change: Callable[[Transaction, Entity[Instance]], Instance], done: str
    ) -> str:
        if await self._store.get(Instance, finding.key) is None:
            return f"{finding.subject}: gone already"
        await self._store.transact(lambda tx: change(tx, existing(tx, Instance, finding.key)))
        instance = await self._controller.reconcile(finding.key)
        if instance is None:
            return f"{finding.subject}: gone"
        failures = await self._controller.failures(instance)
        if failures:
            return f"{finding.subject}: {'; '.join(failures)}"
        return f"{finding.subject}: {done if instance.phase is Phase.ACTIVE else f'it is {instance.phase}'}"
