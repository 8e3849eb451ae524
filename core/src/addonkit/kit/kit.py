"""Everything a user can ask for, in one place; what `addonkit.open` gives. The command line is a thin layer over it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from addonkit.controller import directory
from addonkit.controller.controller import Controller
from addonkit.controller.lookup import find_instance, instances_of
from addonkit.controller.pools import HealReport, PoolReconciler
from addonkit.controller.power import ServerPower
from addonkit.controller.usage import ask_usage, describe_usage
from addonkit.controller.views import Viewer, environment
from addonkit.errors import AddonkitError, InstanceFailed, NotFound, StoreError
from addonkit.kit.admission import Admission
from addonkit.kit.binding import Binding
from addonkit.kit.creation import Creation
from addonkit.kit.executions import Executions
from addonkit.kit.failures import failed
from addonkit.kit.healing import Healer
from addonkit.kit.operations import Operations
from addonkit.kit.planner import Planner
from addonkit.kit.reachability import Reachability
from addonkit.kit.services import Services
from addonkit.kit.shells import ShellSession, shell_session
from addonkit.models.app import App
from addonkit.models.execution import Execution
from addonkit.models.identifiers import check_app_name, check_instance_name
from addonkit.models.instance import Association, Instance, Phase, Purpose
from addonkit.models.result import Usage
from addonkit.models.settings import Setting
from addonkit.models.views import AppView, Environment, Finding, InstanceView, Plan, ServerTarget, VariableMove

if TYPE_CHECKING:
    from addonkit.controller.doctor import Doctor
    from addonkit.controller.forgetting import Forgetter
    from addonkit.controller.keeper import Keeper
    from addonkit.kit.backups import Backups
    from addonkit.kit.branches import Branches
    from addonkit.kit.broker_records import BrokerRecords
    from addonkit.kit.changes import Changes
    from addonkit.kit.extensions import InstanceExtensions
    from addonkit.kit.manifests import Manifests
    from addonkit.kit.moves import Moves
    from addonkit.kit.operation_log import OperationLog
    from addonkit.kit.options import InstanceOptions
    from addonkit.kit.rotations import Rotations
    from addonkit.kit.schedules import Schedules
    from addonkit.kit.storage import StorageWatch
    from addonkit.kit.tokens import Tokens
    from addonkit.kit.trash import Trash
    from addonkit.models.trash import TrashedInstance


class Kit:
    """What a user can ask of addonkit. Use `addonkit.open`; all methods raise AddonkitErrors.

    Attributes:
        home: the directory that holds everything.
        registry: the addons that are installed.
        backend: what runs servers.
        framework: what steps of addons work with.
    """

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
        self._operations = Operations(store, registry, backend)
        self._planner = Planner(store, registry)
        self._admission = Admission(store, registry, self._planner)
        self._reachability = Reachability(store, registry, backend)
        self._viewer = Viewer(store, registry, backend, services.leases, services.clock)
        self._controller = Controller(store, services.leases, registry, services.engine, services.clock)
        self._creation = Creation(services, self._operations, self._admission, self._controller, self._viewer)
        self._pools = PoolReconciler(store, backend, services.framework, services.leases, services.engine)
        self._services = services
        self._power = ServerPower(store, backend, services.framework)
        self._healer = Healer(self._pools, self._power)
        self._executions = Executions(store, registry, services.engine, self._operations, self._controller)

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
            lambda: self.backups.checks,
        )

    @cached_property
    def _forgetter(self) -> Forgetter:
        from addonkit.controller.forgetting import Forgetter as Made

        return Made(self._store, self._services.leases, self._engine)

    @cached_property
    def manifests(self) -> Manifests:
        """What a file says that apps are to have."""
        from addonkit.kit.manifests import Manifests

        return Manifests(self._store, self)

    @cached_property
    def tokens(self) -> Tokens:
        """Who may ask through the network."""
        from addonkit.kit.tokens import Tokens

        return Tokens(self._store, self._clock)

    @cached_property
    def broker_records(self) -> BrokerRecords:
        """What platforms asked the broker for."""
        from addonkit.kit.broker_records import BrokerRecords

        return BrokerRecords(self._store)

    @cached_property
    def operation_log(self) -> OperationLog:
        """Long operations that were asked for through the API."""
        from addonkit.kit.operation_log import OperationLog

        return OperationLog(self._store, self._services.leases, self._clock)

    @cached_property
    def backups(self) -> Backups:
        """What can be asked about backups; what that needs is imported when it is asked for first."""
        from addonkit.kit.backups import Backups as Made

        return Made(self._services, self._operations, self._controller)

    @cached_property
    def moves(self) -> Moves:
        """What can be asked to export, import and clone; imported when it is asked for first."""
        from addonkit.kit.moves import Moves as Made

        return Made(self.backups, self.backups.places, self.backups.service)

    @cached_property
    def schedules(self) -> Schedules:
        """When instances are backed up by themselves, and which backups stay."""
        from addonkit.kit.schedules import Schedules as Made

        return Made(self._services, self.backups)

    @cached_property
    def trash(self) -> Trash:
        """What was destroyed and can be brought back."""
        from addonkit.kit.trash import Trash as Made

        return Made(self._services, self.backups, self._controller)

    @cached_property
    def branches(self) -> Branches:
        """What can be asked about data for git branches; imported when it is asked for first."""
        from addonkit.kit.branches import Branches as Made

        return Made(self, self._store, self._services.leases, self.backups.service)

    @cached_property
    def changes(self) -> Changes:
        """What can be asked about the size and version of instances; imported when it is asked for first."""
        from addonkit.kit.changes import Changes as Made

        return Made(self.registry, self._operations, self.backups.places, self.backups.service)

    @cached_property
    def storage(self) -> StorageWatch:
        """What can be asked about disks of servers; imported when it is asked for first."""
        from addonkit.kit.storage import StorageWatch as Made

        return Made(self._services)

    @cached_property
    def extensions(self) -> InstanceExtensions:
        """What can be asked about extensions of instances; imported when it is asked for first."""
        from addonkit.kit.extensions import InstanceExtensions as Made

        return Made(self._services, self.options)

    @cached_property
    def options(self) -> InstanceOptions:
        """What can be asked about options of instances; imported when it is asked for first."""
        from addonkit.kit.options import InstanceOptions as Made

        return Made(self._services, self._controller, self._admission, self._viewer)

    @cached_property
    def rotations(self) -> Rotations:
        """How credentials are replaced; imported when it is asked for first."""
        from addonkit.kit.rotations import Rotations as Made

        return Made(self._services, self._controller)

    async def create(
        self,
        spec: str,
        app: str,
        *,
        alias: str = "",
        version: str = "",
        socket: bool = False,
        options: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Binding:
        """Give an app a new instance of an addon; the app is made when it is new.

        Args:
            spec: `addon[:variant]`.
            app: name of the app.
            alias: a name for the set of variables, which then carries it as prefix.
            version: of the server; empty means the addon's default.
            socket: give the app the server's Unix socket in place of its port.
            options: values of options of the addon, by name.
            wait: return when it is active; otherwise when it is recorded.

        Raises:
            NotConfigured: the operator has not told what the addon needs, see `set_config`.
            InstanceFailed: it could not be provisioned; everything made for it was undone.
        """
        request, asked = await self._creation.check(spec, app, alias, version, socket=socket, options=options)
        return await self._creation.finish(await self._operations.record(request), wait=wait, asked=asked)

    async def plan_create(
        self, spec: str, app: str, *, alias: str = "", version: str = "", options: Mapping[str, str] | None = None
    ) -> Plan:
        """What create would do; the same checks, nothing written."""
        request, _asked = await self._creation.check(spec, app, alias, version, options=options)
        return await self._planner.create(request)

    async def attach(
        self, name: str, app: str, *, alias: str = "", socket: bool = False, role: str = "", wait: bool = True
    ) -> Binding:
        """Give an app the variables of an instance that exists.

        Args:
            name: of the instance.
            app: that is to have them.
            alias: a name for the set of variables, which then carries it as prefix.
            socket: give it those for the Unix socket of the server.
            role: what the app may do, one that the addon offers; empty for the first of them.
            wait: return when it is active; otherwise when it is recorded.
        """
        await self._admission.admit_attach(name, app, alias)
        created = await self._operations.attach(name, app, alias, socket=socket, role=role)
        return await self._creation.finish(created, wait=wait)

    async def detach(self, name: str, app: str) -> tuple[str, ...]:
        """Take an instance's variables from an app; returns the names that are gone. The instance stays.

        Raises:
            InstanceFailed: the variables are gone, but the app's credentials could not be revoked.
        """
        await self._reachability.check_detach(await self._admission.admit_detach(name, app), app)
        instance, gone = await self._operations.detach(name, app)
        await self._controller.interrupt(instance.id)
        await self._controller.reconcile(instance.id)
        for left in await self._controller.associations(instance.id):
            if left.app == app and left.phase is Phase.DEPROVISIONING and left.message:
                attempted = f"revoking the credentials of {app} for {instance.name}"
                advice = f"its variables are gone; `addonkit retry {instance.name}` tries again"
                cause = self._controller.cause(instance.id)
                raise InstanceFailed(attempted, left.message, advice, instance=instance.name) from cause
        return gone

    async def instances(self, app: str | None = None) -> tuple[InstanceView, ...]:
        """All instances, or those attached to (or created for) one app, by name."""
        found = [entity.value for entity in await self._store.list(Instance)]
        if app is not None:
            tied = {entity.value.instance for entity in await self._store.list(Association, {"app": app})}
            found = [i for i in found if i.app == app or i.id in tied]
        return await self._viewer.instances(sorted(found, key=lambda i: i.name))

    async def show(self, name: str, app: str | None = None) -> InstanceView:
        """One instance, by its name or by what the app calls it (alias or addon)."""
        return await self._viewer.instance(await self._find(name, app))

    async def apps(self) -> tuple[AppView, ...]:
        """All apps, by name."""
        return await self._store.read(directory.apps)

    async def count(self) -> int:
        """How many instances there are."""
        return len(await self._store.list(Instance))

    async def check_app(self, name: str) -> None:
        """Raise UnknownApp, with the nearest name, unless there is an app or an instance of one of that name."""
        await self._store.read(lambda tx: directory.check_app(tx, name))

    async def has_app(self, name: str) -> bool:
        """Whether there is an app of that name."""
        return await self._store.get(App, name) is not None

    async def name_of(self, name: str, app: str | None = None) -> str:
        """The full name of an instance, by its name or by what the app calls it."""
        return (await self._find(name, app)).name

    async def environment(self, app: str, *, without: Collection[str] = ()) -> Environment:
        """What an app receives right now, without the instances of these names. UnknownApp when there is none."""
        return await environment(self._store, app, without)

    async def has_branches(self, app: str) -> bool:
        """Whether an app has other data on each git branch; False when there is no such app."""
        entity = await self._store.get(App, app)
        return entity is not None and entity.value.branching is not None

    async def rename(self, name: str, new: str) -> str:
        """Give an instance another name; returns the full former one. Variables, credentials and data stay."""
        from addonkit.controller.renaming import rename_instance

        former, now = (await self._find(name, None)).name, self._clock.now()
        await self._store.transact(lambda tx: rename_instance(tx, former, None, check_instance_name(new), now))
        return former

    async def rename_app(self, name: str, new: str) -> None:
        """Give an app another name; its variables, instances and attachments go with it.

        Raises:
            Busy: something of it is under way or failed.
        """
        from addonkit.controller.renaming import rename_app

        await self._store.transact(lambda tx: rename_app(tx, name, check_app_name(new)))

    async def shell(self, name: str, app: str | None = None) -> ShellSession:
        """Return how to work with an instance in the addon's own program; starts nothing.

        Args:
            name: of the instance, or what the app calls it.
            app: whose login is used; default is the app it was created for, else the first that it is attached to.

        Raises:
            NotFound: its addon has no shell, or no app is attached to it.
            Busy: the app has no login yet.
        """
        instance = await self._find(name, app)
        definition = self.registry.get(instance.addon, instance.distribution).definition
        return shell_session(definition.shell, instance, await self._controller.associations(instance.id), app)

    async def set_variables(
        self, app: str, values: Mapping[str, str], *, sensitive: bool = False
    ) -> tuple[VariableMove, ...]:
        """Set variables by hand; returns variables of addons that moved out of the way."""
        return await self._operations.set_variables(app, values, sensitive=sensitive)

    async def unset_variables(self, app: str, keys: Sequence[str]) -> tuple[VariableMove, ...]:
        """Remove variables set by hand; returns variables of addons that moved back."""
        return await self._operations.unset_variables(app, keys)

    async def promote(self, name: str, app: str) -> tuple[VariableMove, ...]:
        """Give an instance's variables their plain names in an app; returns all that moved."""
        return await self._operations.promote(name, app)

    async def retry(self, name: str, app: str | None = None) -> InstanceView:
        """Retry what failed, or resume what was interrupted, until nothing is left to do."""
        self._admission.check(await self._find(name, app), "resume")
        instance = await self._operations.retry(name, app)
        reconciled = await self._controller.reconcile(instance.id)
        if reconciled is None:
            return InstanceView(attrs.evolve(instance, message="gone"))
        told = await self._with_reason(reconciled)
        if told.message:
            raise failed(f"trying {reconciled.name} again", told) from self._controller.cause(reconciled.id)
        return await self._viewer.instance(reconciled)

    async def complete(self, id: str) -> InstanceView | None:
        """Carry out what is recorded for the instance of that id until nothing is left to do; None when it is gone.

        Raises:
            InstanceFailed: it, or a tie of an app to it, did not come as far as was asked.
        """
        reconciled = await self._controller.reconcile(id)
        if reconciled is None:
            return None
        told = await self._with_reason(reconciled)
        if told.message or told.phase is Phase.DEPROVISIONING:
            raise failed(f"completing {reconciled.name}", told) from self._controller.cause(id)
        return await self._viewer.instance(reconciled)

    async def plan_destroy(self, name: str, app: str | None = None, *, now: bool = False) -> Plan:
        """What destroy would do and lose; nothing written."""
        instance = await self._find(name, app)
        self._admission.check(instance, "destroy")
        plan = await self._planner.destroy(name, app)
        held = await describe_usage(self.registry, self._engine, instance)
        kept = await self.backups.describe(instance.name)
        told = attrs.evolve(plan, lost=(*plan.lost, *held), stays=(*plan.stays, *kept))
        return told if now else self.trash.plan(told, instance)

    async def destroy(
        self, name: str, app: str | None = None, *, now: bool = False, wait: bool = True
    ) -> TrashedInstance | None:
        """Remove an instance and all its data, from whatever state it is in; its variables go first.

        A final backup is made and proved before, and kept in the trash for a time; see `trash`.

        Args:
            name: of the instance, or what the app calls it.
            app: what knows it by that name.
            now: keep nothing.
            wait: return when it is gone; otherwise when it is recorded.

        Returns:
            What is kept in the trash; None when nothing is.

        Raises:
            BackupError: its final backup failed; the instance is as it was.
            InstanceFailed: it could not be removed.
        """
        found = await self.check_destroy(name, app)
        keep = None if now else await self.trash.keep(found)
        instance = await self._operations.destroy(name, app, keep)
        await self._controller.interrupt(instance.id)
        repeated = found.phase is Phase.DEPROVISIONING
        kept = await self.trash.kept(instance, drop=now) if keep or repeated else None
        if not wait:
            return kept
        left = await self._controller.reconcile(instance.id)
        if left is not None:
            told = await self._with_reason(left)
            raise failed(f"destroying {left.name}", told, forget=True) from self._controller.cause(left.id)
        return kept

    async def usage(self, name: str, app: str | None = None) -> Usage | None:
        """How much an instance holds; None when its addon cannot tell.

        Raises:
            TimeoutError: it did not tell in time.
        """
        return await ask_usage(self.registry, self._engine, await self._find(name, app))

    async def check_destroy(self, name: str, app: str | None = None) -> Instance:
        """Return the instance that destroy would remove; raises what stands against it. Nothing is written."""
        found = await self._find(name, app)
        await self._admission.admit_destroy(found)
        await self._reachability.check_destroy(found)
        return found

    async def plan_forget(self, name: str, app: str | None = None) -> Plan:
        """Return what would stay when the instance is forgotten; nothing written, no addon asked."""
        instance = await self._find(name, app)
        ties = await self._controller.associations(instance.id)
        vanish = tuple(f"{a.app}: {variable.key}" for a in ties for variable in a.variables)
        stays = await self._forgetter.remains(instance)
        return Plan(f"{instance.name} would be forgotten; nothing would be removed", vanish=vanish, stays=stays)

    async def forget(self, name: str, app: str | None = None) -> tuple[str, ...]:
        """Forget an instance and remove nothing, for one whose service is gone or whose addon fails.

        Returns:
            What stays and where, a sentence each.

        Raises:
            Busy: another process works on it.
        """
        await self._admission.admit_forget(await self._find(name, app))
        instance = await self._operations.destroy(name, app)
        await self._controller.interrupt(instance.id)
        return await self._forgetter.forget(instance.id)

    async def config(self, addon: str) -> tuple[Setting, ...]:
        """What the operator told an addon, as it is in force: the environment wins over what is stored."""
        return await self._settings.list(addon)

    async def set_config(self, addon: str, values: Mapping[str, str]) -> None:
        """Store settings of an addon, secret ones sealed. InvalidInput for a name or value it does not have."""
        await self._settings.set(addon, values)

    async def unset_config(self, addon: str, names: Collection[str]) -> None:
        """Forget stored settings of an addon. InvalidInput for a name it does not have."""
        await self._settings.unset(addon, names)

    async def executions(self, *, unfinished: bool = False) -> tuple[Execution, ...]:
        """Executions of sagas, oldest first."""
        return await self._executions.list(unfinished=unfinished)

    async def execution(self, id: str) -> Execution:
        """One execution."""
        return await self._executions.get(id)

    async def retry_execution(self, id: str) -> Execution:
        """Let a blocked or interrupted execution go on, through the instance it serves.

        Raises:
            SagaBlocked: it is blocked again.
            SagaError: it has ended, or is not needed any more.
        """
        return await self._executions.retry(id)

    async def abandon_execution(self, id: str) -> tuple[str, ...]:
        """Give up the undos that are left; returns the names of steps that stay uncompensated."""
        return await self._executions.abandon(id)

    async def heal(self, app: str | None = None, *, without: Collection[str] = ()) -> HealReport:
        """Start servers that should run and do not: all, or those that an app uses without the instances named.

        The report names instances. For an app, those whose servers were stopped count as failed.
        """
        moving = await self._finish_moves(app, without)
        healed = await self._healer.heal(app, without=without)
        return HealReport(healed.started, {**healed.failed, **moving}) if moving else healed

    async def servers(self, name: str | None = None, app: str | None = None) -> tuple[ServerTarget, ...]:
        """Return the servers of an instance, of all instances that an app uses, or of all instances."""
        return await self._power.targets(name, app)

    async def stop(self, target: ServerTarget) -> None:
        """Stop a server, for all instances on it. It stays stopped until it is started."""
        await self._power.stop(target.server)

    async def start(self, target: ServerTarget) -> None:
        """Start a server and wait until it serves. Does nothing if it serves already."""
        await self._power.start(target.server)

    async def restart(self, target: ServerTarget) -> None:
        """Stop and start a server, with the program that is installed now."""
        await self._power.restart(target.server)

    def keeper(self, report: Callable[[str], None]) -> Keeper:
        """Return what keeps everything as it should be while its `run` is awaited; servers go on when it is cancelled.

        It starts servers that end, restarts those that hang, completes what is begun. Several processes may do it.

        Args:
            report: called with each thing that was done or cannot be done, a sentence.
        """
        from addonkit.controller.keeper import Keeper
        from addonkit.kit.backup_keeper import BackupKeeper

        duty = BackupKeeper(self._services, self.backups, self.schedules, self.trash, report)
        parts = (self._store, self.backend, self._pools, self._power, self._controller, self._clock)
        return Keeper(
            *parts, report, lambda: self._finish_moves(None, ()), (duty.run, lambda: self.storage.look(report))
        )

    async def stop_servers(self) -> dict[str, str]:
        """Stop every server; the next command that needs one starts it. Returns why some still run, by server."""
        return await self._pools.stop_all()

    async def doctor(self) -> tuple[Finding, ...]:
        """Everything that is not as it should be; changes nothing."""
        return await self._doctor.examine()

    async def fix(self, findings: Collection[Finding]) -> tuple[str, ...]:
        """Mend what can be mended; a sentence about each."""
        from addonkit.controller.checks.instances import RETRIED

        if any(finding.kind in RETRIED for finding in findings):
            self.registry.check_plugins()
        return tuple([await self._doctor.fix(finding) for finding in findings])

    async def log_path(self, name: str, app: str | None = None) -> str:
        """Path of the log of an instance's server.

        Raises:
            NotFound: the instance has no server here.
        """
        instance = await self._find(name, app)
        if not instance.server:
            raise NotFound(f"cannot show the log of {instance.name}", "it has no server here")
        return self.backend.log_path(instance.server)

    async def _finish_moves(self, app: str | None, without: Collection[str]) -> dict[str, str]:
        """Undo moves that were interrupted; names of instances that are being moved, to a reason."""
        found = await self._store.read(lambda tx: instances_of(tx, app))
        moving = [each for each in found if each.moving and each.purpose is Purpose.SERVE and each.name not in without]
        reasons = {each.name: await self._finish_move(each) for each in moving}
        return {name: reason for name, reason in reasons.items() if reason}

    async def _finish_move(self, instance: Instance) -> str:
        try:
            return await self.backups.service.finish_move(instance)
        except StoreError:
            raise
        except AddonkitError as error:
            return f"a move of its data was interrupted and cannot be undone: {error}"

    async def _find(self, name: str, app: str | None) -> Instance:
        return await self._store.read(lambda tx: find_instance(tx, name, app).value)

    async def _with_reason(self, instance: Instance) -> Instance:
        """The instance, with everything that went wrong for it and for apps that it is tied to as its message."""
        return attrs.evolve(instance, message="; ".join(await self._controller.failures(instance)))
