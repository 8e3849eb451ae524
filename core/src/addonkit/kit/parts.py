"""The parts of a Kit: what every command needs at once, all others when they are asked for first."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from addonkit.controller.controller import Controller
from addonkit.kit.admission import Admission
from addonkit.kit.creation import Creation
from addonkit.kit.services import Services
from addonkit.models.app import EnvironmentFile

if TYPE_CHECKING:
    from addonkit.controller.certificates import CertificateKeeper
    from addonkit.controller.doctor import Doctor
    from addonkit.controller.forgetting import Forgetter
    from addonkit.controller.pools import PoolReconciler
    from addonkit.controller.power import ServerPower
    from addonkit.controller.views import Viewer
    from addonkit.kit.admin_passwords import AdminPasswords
    from addonkit.kit.backups import Backups
    from addonkit.kit.broker_records import BrokerRecords
    from addonkit.kit.changes import Changes
    from addonkit.kit.environment_files import EnvironmentFiles
    from addonkit.kit.executions import Executions
    from addonkit.kit.extensions import InstanceExtensions
    from addonkit.kit.former_logins import FormerLogins
    from addonkit.kit.healing import Healer
    from addonkit.kit.listing import Listing
    from addonkit.kit.moves import Moves
    from addonkit.kit.operation_log import OperationLog
    from addonkit.kit.operations import Operations
    from addonkit.kit.options import InstanceOptions
    from addonkit.kit.planner import Planner
    from addonkit.kit.reachability import Reachability
    from addonkit.kit.removal import Removal
    from addonkit.kit.resumption import Resumption
    from addonkit.kit.rotations import Rotations
    from addonkit.kit.schedules import Schedules
    from addonkit.kit.storage import StorageWatch
    from addonkit.kit.tokens import Tokens
    from addonkit.kit.trash import Trash


class Parts:
    """Makes each part once."""

    def __init__(self, services: Services) -> None:
        store, registry, backend = services.store, services.registry, services.backend
        self.home = services.home
        self.registry = registry
        self.backend = backend
        self.framework = services.framework
        self._store = store
        self._clock = services.clock
        self._engine = services.engine
        self._settings = services.settings
        self._admission = Admission(store, registry)
        self._controller = Controller(store, services.leases, registry, services.engine, services.clock)
        self._creation = Creation(services, self._admission, self._controller)
        self._services = services

    @cached_property
    def _operations(self) -> Operations:
        from addonkit.kit.operations import Operations as Made

        return Made(self._store, self.registry)

    @cached_property
    def _planner(self) -> Planner:
        from addonkit.kit.planner import Planner as Made

        return Made(self._store, self.registry)

    @cached_property
    def _reachability(self) -> Reachability:
        from addonkit.kit.reachability import Reachability as Made

        return Made(self._store, self.registry, self.backend)

    @cached_property
    def _viewer(self) -> Viewer:
        from addonkit.controller.views import Viewer as Made

        return Made(self._store, self.registry, self.backend, self._services.leases, self._clock)

    @cached_property
    def _pools(self) -> PoolReconciler:
        from addonkit.controller.pools import PoolReconciler as Made

        return Made(self._store, self.backend, self.framework, self._services.leases, self._engine)

    @cached_property
    def _power(self) -> ServerPower:
        from addonkit.controller.power import ServerPower as Made

        return Made(self._store, self.backend, self.framework)

    @cached_property
    def _healer(self) -> Healer:
        from addonkit.kit.healing import Healer as Made

        return Made(self._pools, self._power)

    @cached_property
    def _executions(self) -> Executions:
        from addonkit.kit.executions import Executions as Made

        return Made(self._store, self.registry, self._engine, self._operations, self._controller)

    @cached_property
    def _doctor(self) -> Doctor:
        from addonkit.controller.doctor import Doctor as Made

        services = self._services
        return Made(
            services.store,
            services.leases,
            services.registry,
            services.backend,
            services.framework,
            services.engine,
            self._controller,
            self._power,
            self.certificates,
            self._clock,
            lambda: self.backups.checks,
        )

    @cached_property
    def _forgetter(self) -> Forgetter:
        from addonkit.controller.forgetting import Forgetter as Made

        return Made(self._store, self._services.leases, self._engine)

    @cached_property
    def _removal(self) -> Removal:
        from addonkit.kit.removal import Removal as Made

        return Made(
            self._services,
            self._operations,
            self._admission,
            self._reachability,
            lambda: self._planner,
            self._controller,
            self._forgetter,
            self.backups,
            self.trash,
        )

    @cached_property
    def _resumption(self) -> Resumption:
        from addonkit.kit.resumption import Resumption as Made

        return Made(
            self._services,
            self._operations,
            self._admission,
            self._controller,
            self._viewer,
            lambda: self.backups,
            lambda: self.former_logins,
        )

    @cached_property
    def tokens(self) -> Tokens:
        """Return who may ask through the network."""
        from addonkit.kit.tokens import Tokens

        return Tokens(self._store, self._clock)

    @cached_property
    def listing(self) -> Listing:
        """Lists in parts."""
        from addonkit.kit.listing import Listing

        return Listing(self._store, self._viewer)

    @cached_property
    def broker_records(self) -> BrokerRecords:
        """Return what platforms asked the broker for."""
        from addonkit.kit.broker_records import BrokerRecords

        return BrokerRecords(self._store)

    @cached_property
    def operation_log(self) -> OperationLog:
        """Long operations that were asked for through the API."""
        from addonkit.kit.operation_log import OperationLog

        return OperationLog(self._store, self._services.leases, self._clock)

    @cached_property
    def backups(self) -> Backups:
        """Return what can be asked about backups; what that needs is imported when it is asked for first."""
        from addonkit.kit.backups import Backups as Made

        return Made(self._services, self._creation, self._controller)

    @cached_property
    def moves(self) -> Moves:
        """Return what can be asked to export, import and clone; imported when it is asked for first."""
        from addonkit.kit.moves import Moves as Made

        return Made(self.backups)

    @cached_property
    def schedules(self) -> Schedules:
        """Return when instances are backed up by themselves, and which backups stay."""
        from addonkit.kit.schedules import Schedules as Made

        return Made(self._services, self.backups)

    @cached_property
    def trash(self) -> Trash:
        """Return what was destroyed and can be brought back."""
        from addonkit.kit.trash import Trash as Made

        return Made(self._services, self.backups, self._controller)

    @cached_property
    def changes(self) -> Changes:
        """Return what can be asked about the size and version of instances; imported when it is asked for first."""
        from addonkit.kit.changes import Changes as Made

        return Made(self.registry, self._creation, self.backups)

    @cached_property
    def storage(self) -> StorageWatch:
        """Return what can be asked about disks of servers; imported when it is asked for first."""
        from addonkit.kit.storage import StorageWatch as Made

        return Made(self._services)

    @cached_property
    def extensions(self) -> InstanceExtensions:
        """Return what can be asked about extensions of instances; imported when it is asked for first."""
        from addonkit.kit.extensions import InstanceExtensions as Made

        return Made(self._services, self.options)

    @cached_property
    def options(self) -> InstanceOptions:
        """Return what can be asked about options of instances; imported when it is asked for first."""
        from addonkit.kit.options import InstanceOptions as Made

        return Made(self._services, self._controller, self._admission, self._viewer, self.write_environment_files)

    @cached_property
    def rotations(self) -> Rotations:
        """Return how credentials are replaced; imported when it is asked for first."""
        from addonkit.kit.rotations import Rotations as Made

        return Made(self._services, self._controller, self.write_environment_files, self.certificates)

    @cached_property
    def certificates(self) -> CertificateKeeper:
        """Return how certificates of servers are renewed; imported when it is asked for first."""
        from addonkit.controller.certificates import CertificateKeeper as Made

        return Made(self._store, self.registry, self.framework, self._engine, self._clock)

    @cached_property
    def admin_passwords(self) -> AdminPasswords:
        """Return how administrators of servers get other passwords; imported when it is asked for first."""
        from addonkit.kit.admin_passwords import AdminPasswords as Made

        return Made(self._services)

    async def write_environment_files(self, report: Callable[[str], None] | None = None) -> None:
        """Bring files up to date that follow variables. What that needs is imported where there are some.

        Args:
            report: called with why each that fails cannot be written.
        """
        if await self._store.list(EnvironmentFile):
            await self.environment_files.write(report)

    @cached_property
    def former_logins(self) -> FormerLogins:
        """Return how credentials that a rotation kept end; imported when it is asked for first."""
        from addonkit.kit.former_logins import FormerLogins as Made

        return Made(self._services, self.rotations)

    @cached_property
    def environment_files(self) -> EnvironmentFiles:
        """Return operations on files that follow variables of apps; imported when it is asked for first."""
        from addonkit.kit.environment_files import EnvironmentFiles as Made

        return Made(self._services)
