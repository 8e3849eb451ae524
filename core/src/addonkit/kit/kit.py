"""Everything a user can ask for, in one place; what `addonkit.open` gives. The command line is a thin layer over it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.lookup import lookup_instance
from addonkit.errors import InstanceFailed, NotFound
from addonkit.kit.admission import new_association
from addonkit.kit.binding import Binding
from addonkit.kit.parts import Parts
from addonkit.models.app import App
from addonkit.models.execution import Execution
from addonkit.models.identifiers import check_app_name, check_instance_name
from addonkit.models.instance import Instance, Phase

if TYPE_CHECKING:
    from addonkit.controller.keeper import Keeper
    from addonkit.controller.pools import HealReport
    from addonkit.kit.branches import Branches
    from addonkit.kit.lost_key import Recovery
    from addonkit.kit.manifests import Manifests
    from addonkit.kit.shells import ShellSession
    from addonkit.models.result import Usage
    from addonkit.models.settings import Setting
    from addonkit.models.trash import TrashedInstance
    from addonkit.models.variable import VariableMove
    from addonkit.models.views import AppView, Environment, Finding, InstanceView, Plan, ServerTarget
    from addonkit.models.vitals import Vitals


class Kit(Parts):
    """Every operation of a user. Use `addonkit.open`; all methods raise AddonkitErrors.

    Attributes:
        home: the directory that holds everything.
        registry: the addons that are installed.
        backend: what runs servers.
        framework: what steps of addons work with.
    """

    @cached_property
    def manifests(self) -> Manifests:
        """Return what a file says that apps are to have."""
        from addonkit.kit.manifests import Manifests

        return Manifests(self._store, self)

    @cached_property
    def branches(self) -> Branches:
        """Return what can be asked about data for git branches; imported when it is asked for first."""
        from addonkit.kit.branches import Branches as Made

        return Made(self, self._store, self._services.leases, self.backups.moves)

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
        return await self._creation.finish(await self._creation.record(request), wait=wait, asked=asked)

    async def plan_create(
        self,
        spec: str,
        app: str,
        *,
        alias: str = "",
        version: str = "",
        socket: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> Plan:
        """Return what create would do; the same checks, nothing written."""
        request, _asked = await self._creation.check(spec, app, alias, version, socket=socket, options=options)
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
        await self._admission.admit_attach(name, app, alias, socket=socket, role=role)
        created = await self._operations.attach(name, app, alias, socket=socket, role=role)
        return await self._creation.finish(created, wait=wait)

    async def plan_attach(self, name: str, app: str, *, alias: str = "", socket: bool = False, role: str = "") -> Plan:
        """Return what attach would do; the same checks, nothing written."""
        await self._admission.admit_attach(name, app, alias, socket=socket, role=role)
        instance, known = await self._operations.check_attach(name, app, alias, socket=socket)
        tie = new_association(instance, app, alias, socket=socket, role=role)
        return await self._planner.attach(instance, tie, known=known)

    async def plan_detach(self, name: str, app: str) -> Plan:
        """Return what detach would do; nothing written."""
        await self._admission.admit_detach(name, app)
        return await self._planner.detach(name, app)

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
        """Return all instances, or those attached to (or created for) one app, by name."""
        from addonkit.controller.directory import instances

        found = await self._store.read(lambda tx: instances(tx, app))
        return await self._viewer.instances(sorted(found, key=lambda i: i.name))

    async def show(self, name: str, app: str | None = None) -> InstanceView:
        """Return one instance, by its name or by what the app calls it (alias or addon)."""
        return await self._viewer.instance(await lookup_instance(self._store, name, app))

    async def apps(self) -> tuple[AppView, ...]:
        """Return all apps, by name."""
        from addonkit.controller.directory import apps

        return await self._store.read(apps)

    async def count(self) -> int:
        """Return how many instances there are; reads none of them."""
        return await self._store.read(lambda tx: tx.count(Instance))

    async def check_app(self, name: str) -> None:
        """Raise UnknownApp, with the nearest name, unless there is an app or an instance of one of that name."""
        from addonkit.controller.unknown_names import check_app

        await self._store.read(lambda tx: check_app(tx, name))

    async def has_app(self, name: str) -> bool:
        """Return whether there is an app of that name."""
        return await self._store.get(App, name) is not None

    async def vitals(self, view: InstanceView) -> Vitals:
        """Return what a running server tells of an instance, within a few seconds. Starts no server."""
        from addonkit.kit.vitals import VitalsReader

        return await VitalsReader(self._services).read(view)

    @property
    def recovery(self) -> Recovery:
        """Return how credentials that were lost are made anew; imported when it is asked for first."""
        from addonkit.kit.lost_key import Recovery as Made

        return Made(self, self._store)

    async def name_of(self, name: str, app: str | None = None) -> str:
        """Return the full name of an instance, by its name or by what the app calls it."""
        return (await lookup_instance(self._store, name, app)).name

    async def environment(self, app: str, *, without: Collection[str] = ()) -> Environment:
        """Return what an app receives now, without the instances of these names. UnknownApp when there is none."""
        from addonkit.controller.views import environment

        return await environment(self._store, app, without)

    async def has_branches(self, app: str) -> bool:
        """Return whether an app has other data on each git branch; False when there is no such app."""
        entity = await self._store.get(App, app)
        return entity is not None and entity.value.branching is not None

    async def rename(self, name: str, new: str) -> str:
        """Give an instance another name; returns the full former one. Variables, credentials and data stay."""
        from addonkit.controller.renaming import rename_instance

        former, now = (await lookup_instance(self._store, name, None)).name, self._clock.now()
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
        from addonkit.kit.shells import shell_session

        instance = await lookup_instance(self._store, name, app)
        definition = self.registry.get(instance.addon, instance.distribution).definition
        return shell_session(definition.shell, instance, await self._controller.associations(instance.id), app)

    async def set_variables(
        self, app: str, values: Mapping[str, str], *, sensitive: bool = False
    ) -> tuple[VariableMove, ...]:
        """Set variables by hand; returns variables of addons that moved out of the way."""
        from addonkit.kit.manual_variables import set_variables

        return await set_variables(self._store, self.registry, app, values, sensitive=sensitive)

    async def unset_variables(self, app: str, keys: Sequence[str]) -> tuple[VariableMove, ...]:
        """Remove variables set by hand; returns variables of addons that moved back."""
        from addonkit.kit.manual_variables import unset_variables

        return await unset_variables(self._store, self.registry, app, keys)

    async def promote(self, name: str, app: str) -> tuple[VariableMove, ...]:
        """Give an instance's variables their plain names in an app; returns all that moved."""
        return await self._operations.promote(name, app)

    async def retry(self, name: str, app: str | None = None) -> InstanceView:
        """Retry what failed, or resume what was interrupted, until nothing is left to do."""
        return await self._resumption.retry(name, app)

    async def complete(self, id: str) -> InstanceView | None:
        """Carry out what is recorded for the instance of that id until nothing is left to do; None when it is gone.

        Raises:
            InstanceFailed: it, or a tie of an app to it, did not come as far as was asked.
        """
        return await self._resumption.complete(id)

    async def plan_destroy(self, name: str, app: str | None = None, *, now: bool = False) -> Plan:
        """Return what destroy would do and lose; nothing written."""
        return await self._removal.plan(name, app, now=now)

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
        return await self._removal.destroy(name, app, now=now, wait=wait)

    async def check_destroy(self, name: str, app: str | None = None) -> Instance:
        """Return the instance that destroy would remove; raises what stands against it. Nothing is written."""
        return await self._removal.check(name, app)

    async def plan_forget(self, name: str, app: str | None = None) -> Plan:
        """Return what would stay when the instance is forgotten; nothing written, no addon asked."""
        return await self._removal.plan_forget(name, app)

    async def forget(self, name: str, app: str | None = None) -> tuple[str, ...]:
        """Forget an instance and remove nothing, for one whose service is gone or whose addon fails.

        Returns:
            What stays and where, a sentence each.

        Raises:
            Busy: another process works on it.
        """
        return await self._removal.forget(name, app)

    async def usage(self, name: str, app: str | None = None) -> Usage | None:
        """Return how much an instance holds; None when its addon cannot tell.

        Raises:
            TimeoutError: it did not tell in time.
        """
        from addonkit.controller.usage import ask_usage

        return await ask_usage(self.registry, self._engine, await lookup_instance(self._store, name, app))

    async def config(self, addon: str) -> tuple[Setting, ...]:
        """Return what the operator told an addon, as it is in force: the environment wins over what is stored."""
        return await self._settings.list(addon)

    async def set_config(self, addon: str, values: Mapping[str, str]) -> None:
        """Store settings of an addon, secret ones sealed. InvalidInput for a name or value it does not have."""
        await self._settings.set(addon, values)

    async def unset_config(self, addon: str, names: Collection[str]) -> None:
        """Forget stored settings of an addon. InvalidInput for a name it does not have."""
        await self._settings.unset(addon, names)

    async def executions(self, *, unfinished: bool = False) -> tuple[Execution, ...]:
        """Return executions of sagas, oldest first."""
        return await self._executions.list(unfinished=unfinished)

    async def execution(self, id: str) -> Execution:
        """Return one execution."""
        return await self._executions.get(id)

    async def retry_execution(self, id: str) -> Execution:
        """Resume a blocked or interrupted execution, through the instance it serves.

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
        moving = await self._resumption.finish_moves(app, without)
        healed = await self._healer.heal(app, without=without)
        return attrs.evolve(healed, failed={**healed.failed, **moving}) if moving else healed

    async def servers(self, name: str | None = None, app: str | None = None) -> tuple[ServerTarget, ...]:
        """Return the servers of an instance, of all instances that an app uses, or of all instances."""
        return await self._power.targets(name, app)

    async def stop(self, target: ServerTarget) -> None:
        """Stop a server, for all instances on it. It stays stopped until it is started."""
        await self._power.stop(target.server)

    async def start(self, target: ServerTarget) -> None:
        """Start a server and wait until it serves. Does nothing if it serves already."""
        await self._power.start(target.server)
        await self.certificates.renew_if_due(target.server)

    async def restart(self, target: ServerTarget) -> None:
        """Stop and start a server, with the program that is installed now."""
        await self._power.restart(target.server)
        await self.certificates.renew_if_due(target.server)

    def keeper(self, report: Callable[[str], None]) -> Keeper:
        """Return what keeps servers running and keeps schedules while its `run` is awaited; servers outlive it.

        It starts servers that end, restarts those that hang, completes what is begun. Several processes may do it.

        Args:
            report: called with each thing that was done or cannot be done, a sentence.
        """
        from addonkit.controller.keeper import Keeper
        from addonkit.kit.backup_keeper import BackupKeeper

        duty = BackupKeeper(self._services, self.backups, self.schedules, self.trash, report)
        parts = (self._store, self.backend, self._pools, self._power, self._controller, self._clock)
        return Keeper(
            *parts,
            report,
            lambda: self._resumption.finish_moves(None, ()),
            (
                duty.run,
                lambda: self.storage.check_once(report),
                lambda: self.former_logins.check_once(report),
                lambda: self.environment_files.keep(report),
                lambda: self.certificates.check_once(report),
            ),
        )

    async def stop_servers(self) -> dict[str, str]:
        """Stop every server; the next command that needs one starts it. Returns why some still run, by server."""
        return await self._pools.stop_all()

    async def doctor(self) -> tuple[Finding, ...]:
        """Return everything that is not as it should be; changes nothing."""
        return await self._doctor.examine()

    async def fix(self, findings: Collection[Finding]) -> tuple[str, ...]:
        """Fix what can be fixed; a sentence about each."""
        from addonkit.controller.checks.instances import RETRIED

        if any(finding.kind in RETRIED for finding in findings):
            self.registry.check_plugins()
        return tuple([await self._doctor.fix(finding) for finding in findings])

    async def log_path(self, name: str, app: str | None = None) -> str:
        """Return path of the log of an instance's server.

        Raises:
            NotFound: the instance has no server here.
        """
        instance = await lookup_instance(self._store, name, app)
        if not instance.server:
            raise NotFound(f"cannot show the log of {instance.name}", "it has no server here")
        return self.backend.log_path(instance.server)

    async def log_lines(self, name: str, app: str | None = None, *, lines: int) -> tuple[str, ...]:
        """Return what the server of an instance wrote last.

        Args:
            name: of the instance, or what the app calls it.
            app: what knows the instance by that name.
            lines: how many at most.

        Raises:
            NotFound: it has no server here, or no log.
        """
        import asyncio

        from addonkit.util.log_tail import LogTail

        path = await self.log_path(name, app)
        return tuple(await asyncio.to_thread(lambda: LogTail(path).last(lines)))
