"""An addon whose instances live on servers, declared: an entry point names an instance of ServerAddon."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from addonkit.errors import InvalidInput
from addonkit.hookspecs import hookimpl
from addonkit.models.compute import Port, Program
from addonkit.models.definition import AddonDefinition, is_shared_variant
from addonkit.models.facts import Facts
from addonkit.models.fingerprint import Fingerprint
from addonkit.models.instance import Association, Instance, Server
from addonkit.models.result import BindResult, Extensions, Inventory, ProvisionResult, Sessions, Usage
from addonkit.models.variable import Variable
from addonkit.provider.server_addon import sagas
from addonkit.provider.server_addon.admin_rotation import reset_admin_hook, rotate_admin_hook
from addonkit.provider.server_addon.answers import about_tenant, of_association, of_instance, of_server
from addonkit.provider.server_addon.configuring import bound_to, configure_saga
from addonkit.provider.server_addon.copying import check_copying, copy_hook, facts_hook, outline_hook
from addonkit.provider.server_addon.data import DataSagas, data_sagas, transform_saga
from addonkit.provider.server_addon.declaration import ConnectionInfo, ContainerSpec, Tenants
from addonkit.provider.server_addon.extending import extensions_hook, update_extension_hook
from addonkit.provider.server_addon.freezing import freeze_hook, thaw_hook, usage_hook
from addonkit.provider.server_addon.limiting import limit_hook
from addonkit.provider.server_addon.logins import LoginNames, LoginSagas, login_sagas
from addonkit.provider.server_addon.pool import PoolBuilder
from addonkit.provider.server_addon.slips import find_slips
from addonkit.provider.server_sagas import ServerSagas, server_sagas
from addonkit.saga.saga import Saga


def _image_alone(server: Server) -> ContainerSpec:
    del server
    return ContainerSpec()


@attrs.frozen(eq=False, kw_only=True)
class ServerAddon:
    """An addon that runs servers: one for each instance, and one for all instances of the variant `shared`.

    Attributes:
        definition: what it says about itself. A variant whose config has `storage` gives its servers a disk.
        port: the port that clients use, as numbered in a container; a process has one of its own.
        program: how a server runs as a process; pure. See `Server.version` and `admin_password`.
        variables: what the app receives; pure.
        tenants: what is done inside a server for an instance. Without it the app has the server's own password, and
            there can be no variant `shared`.
        more_ports: names and numbers of further ports; `{port:NAME}` in the program,
            `ConnectionInfo.ports` for variables.
        container: how a server runs in a container, where its image alone does not say it; pure.
        reset_admin: how a server runs whose administrator gets the recorded password with its start, whatever its data
            say; pure. It is the way back in when that password was lost. Without it there is none.
        start_timeout: seconds a started server has until it answers its probe.
        pool: follows from these, as do the sagas `servers`, `provision`, `deprovision`, `inspect` and `drop_claim`.
        configure: the saga that brings other values of options into force; None for a definition without options.
        logins: the sagas of logins, for tenants that give each app one; None for others.
        data: the sagas of backups, for tenants that can dump, load and fingerprint; None for others.
    """

    definition: AddonDefinition
    port: int
    program: Callable[[Server], Program]
    variables: Callable[[ConnectionInfo], tuple[Variable, ...]]
    tenants: Tenants | None = attrs.field(default=None)
    more_ports: Mapping[str, int] = attrs.field(factory=dict)
    container: Callable[[Server], ContainerSpec] = _image_alone
    reset_admin: Callable[[Server], Program] | None = None
    start_timeout: float = 60.0
    pool: PoolBuilder = attrs.field(init=False)
    servers: ServerSagas = attrs.field(init=False)
    provision: Saga[ProvisionResult] = attrs.field(init=False)
    deprovision: Saga[None] = attrs.field(init=False)
    inspect: Saga[Inventory] | None = attrs.field(init=False)
    drop_claim: Saga[None] | None = attrs.field(init=False)
    logins: LoginSagas | None = attrs.field(init=False)
    data: DataSagas | None = attrs.field(init=False)
    addon_bind: Callable[[Association, Instance], Saga[BindResult]] | None = attrs.field(init=False)
    addon_unbind: Callable[[Association, Instance], Saga[None]] | None = attrs.field(init=False)
    addon_sessions: Callable[[Association, Instance], Saga[Sessions]] | None = attrs.field(init=False)
    addon_backup: Callable[[Instance], Saga[Fingerprint]] | None = attrs.field(init=False)
    addon_restore: Callable[[Instance], Saga[None]] | None = attrs.field(init=False)
    addon_fingerprint: Callable[[Instance], Saga[Fingerprint]] | None = attrs.field(init=False)
    addon_transform: Callable[[Instance, str], Saga[None]] | None = attrs.field(init=False)
    addon_copy: Callable[[Instance, Instance], Saga[bool]] | None = attrs.field(init=False)
    addon_outline: Callable[[Instance], Saga[Fingerprint]] | None = attrs.field(init=False)
    addon_facts: Callable[[Instance], Saga[Facts]] | None = attrs.field(init=False)
    addon_freeze: Callable[[Instance], Saga[None]] | None = attrs.field(init=False)
    addon_thaw: Callable[[Instance], Saga[None]] | None = attrs.field(init=False)
    addon_usage: Callable[[Instance], Saga[Usage]] | None = attrs.field(init=False)
    configure: Saga[None] | None = attrs.field(init=False)
    addon_configure: Callable[[Instance, Mapping[str, str]], Saga[None]] | None = attrs.field(init=False)
    addon_extensions: Callable[[Instance], Saga[Extensions]] | None = attrs.field(init=False)
    addon_update_extension: Callable[[Instance, str], Saga[None]] | None = attrs.field(init=False)
    addon_limit_writes: Callable[[Instance, bool], Saga[None]] | None = attrs.field(init=False)
    addon_rotate_admin: Callable[[Server], Saga[None]] | None = attrs.field(init=False)
    addon_reset_admin: Callable[[Server], Saga[None]] | None = attrs.field(init=False)
    addon_renew_certificate: Callable[[Server], Saga[None]] | None = attrs.field(init=False)
    addon_inspect: Callable[[Server], Saga[Inventory]] | None = attrs.field(init=False)
    addon_drop_claim: Callable[[Server, str], Saga[None]] | None = attrs.field(init=False)

    @tenants.validator
    def _check_tenants(self, _: object, tenants: Tenants | None) -> None:
        if tenants is None and any(is_shared_variant(variant.name) for variant in self.definition.variants):
            raise ValueError(f"addon {self.definition.name} has a variant `shared` but no tenants")
        if tenants is not None:
            check_copying(self.definition.name, tenants)

    @pool.default
    def _build_pool(self) -> PoolBuilder:
        ports = (Port(self.definition.name, self.port), *(Port(*each) for each in self.more_ports.items()))
        return PoolBuilder(self.definition, ports, self.program, self.container, self.start_timeout)

    @servers.default
    def _build_servers(self) -> ServerSagas:
        return server_sagas(self.definition.name, self.pool, port=self.port)

    @provision.default
    def _build_provision(self) -> Saga[ProvisionResult]:
        return sagas.provision(
            self.definition.name,
            self.servers,
            self.tenants,
            self.variables,
            tuple(self.more_ports),
            sockets=self.definition.sockets,
        )

    @deprovision.default
    def _build_deprovision(self) -> Saga[None]:
        return sagas.deprovision(self.definition.name, self.servers, self.tenants)

    @inspect.default
    def _build_inspect(self) -> Saga[Inventory] | None:
        return sagas.inspect(self.definition.name, self.tenants) if self.tenants else None

    @drop_claim.default
    def _build_drop_claim(self) -> Saga[None] | None:
        return sagas.drop_claim(self.definition.name, self.tenants) if self.tenants else None

    @logins.default
    def _build_logins(self) -> LoginSagas | None:
        if self.tenants is None:
            return None
        return login_sagas(
            self.definition.name,
            self.tenants,
            self.variables,
            tuple(self.more_ports),
            LoginNames(self.tenants.longest_claim, self.tenants.reserved),
            sockets=self.definition.sockets,
        )

    @data.default
    def _build_data(self) -> DataSagas | None:
        return data_sagas(self.definition.name, self.tenants)

    @configure.default
    def _build_configure(self) -> Saga[None] | None:
        return configure_saga(self.definition, self.pool, self.tenants)

    # These are values, so that an addon that cannot do it has no such hooks.
    @addon_bind.default
    def _answer_bind(self) -> Callable[[Association, Instance], Saga[BindResult]] | None:
        return of_association(self.logins.bind) if self.logins else None

    @addon_unbind.default
    def _answer_unbind(self) -> Callable[[Association, Instance], Saga[None]] | None:
        return of_association(self.logins.unbind) if self.logins else None

    @addon_sessions.default
    def _answer_sessions(self) -> Callable[[Association, Instance], Saga[Sessions]] | None:
        return of_association(self.logins.sessions) if self.logins else None

    @addon_backup.default
    def _answer_backup(self) -> Callable[[Instance], Saga[Fingerprint]] | None:
        return of_instance(self.data.backup) if self.data else None

    @addon_restore.default
    def _answer_restore(self) -> Callable[[Instance], Saga[None]] | None:
        return of_instance(self.data.restore) if self.data else None

    @addon_fingerprint.default
    def _answer_fingerprint(self) -> Callable[[Instance], Saga[Fingerprint]] | None:
        return of_instance(self.data.fingerprint) if self.data else None

    @addon_transform.default
    def _answer_transform(self) -> Callable[[Instance, str], Saga[None]] | None:
        saga = transform_saga(self.definition.name, self.tenants)
        if saga is None:
            return None

        @hookimpl
        def addon_transform(instance: Instance, script: str) -> Saga[None]:
            return saga.bind(server_id=instance.server, claim=instance.claim, script=script)

        return addon_transform

    @addon_copy.default
    def _answer_copy(self) -> Callable[[Instance, Instance], Saga[bool]] | None:
        return copy_hook(self.definition.name, self.tenants)

    @addon_outline.default
    def _answer_outline(self) -> Callable[[Instance], Saga[Fingerprint]] | None:
        return outline_hook(self.definition.name, self.tenants)

    @addon_facts.default
    def _answer_facts(self) -> Callable[[Instance], Saga[Facts]] | None:
        return facts_hook(self.definition.name, self.tenants)

    @addon_freeze.default
    def _answer_freeze(self) -> Callable[[Instance], Saga[None]] | None:
        return freeze_hook(self.definition.name, self.tenants)

    @addon_thaw.default
    def _answer_thaw(self) -> Callable[[Instance], Saga[None]] | None:
        return thaw_hook(self.definition.name, self.tenants)

    @addon_usage.default
    def _answer_usage(self) -> Callable[[Instance], Saga[Usage]] | None:
        return usage_hook(self.definition.name, self.tenants)

    @addon_configure.default
    def _answer_configure(self) -> Callable[[Instance, Mapping[str, str]], Saga[None]] | None:
        saga, definition = self.configure, self.definition
        if saga is None:
            return None

        @hookimpl
        def addon_configure(instance: Instance, config: Mapping[str, str]) -> Saga[None]:
            return bound_to(saga, definition, instance, config)

        return addon_configure

    @addon_extensions.default
    def _answer_extensions(self) -> Callable[[Instance], Saga[Extensions]] | None:
        return extensions_hook(self.definition.name, self.tenants)

    @addon_update_extension.default
    def _answer_update_extension(self) -> Callable[[Instance, str], Saga[None]] | None:
        return update_extension_hook(self.definition.name, self.tenants)

    @addon_limit_writes.default
    def _answer_limit_writes(self) -> Callable[[Instance, bool], Saga[None]] | None:
        return limit_hook(self.definition.name, self.tenants)

    @addon_rotate_admin.default
    def _answer_rotate_admin(self) -> Callable[[Server], Saga[None]] | None:
        return rotate_admin_hook(self.definition.name, self.pool, self.tenants)

    @addon_reset_admin.default
    def _answer_reset_admin(self) -> Callable[[Server], Saga[None]] | None:
        resetting = attrs.evolve(self.pool, program=self.reset_admin) if self.reset_admin else None
        return reset_admin_hook(self.definition.name, self.pool, resetting, self.tenants)

    @addon_renew_certificate.default
    def _answer_renew_certificate(self) -> Callable[[Server], Saga[None]] | None:
        if not self.definition.listens:
            return None
        from addonkit.provider.server_addon.certifying import renew_certificate_hook  # few addons need it

        return renew_certificate_hook(self.definition.name, self.pool, self.tenants)

    @addon_inspect.default
    def _answer_inspect(self) -> Callable[[Server], Saga[Inventory]] | None:
        return of_server(self.inspect) if self.inspect else None

    @addon_drop_claim.default
    def _answer_drop_claim(self) -> Callable[[Server, str], Saga[None]] | None:
        saga = self.drop_claim
        if saga is None:
            return None

        @hookimpl
        def addon_drop_claim(server: Server, claim: str) -> Saga[None]:
            return saga.bind(server_id=server.id, claim=claim)

        return addon_drop_claim

    @hookimpl
    def addon_definition(self) -> AddonDefinition:
        """See hookspecs.

        Raises:
            InvalidInput: the declaration has a slip that would be seen only when a server runs.
        """
        slips = find_slips(self.definition, self.program, (self.definition.name, *self.more_ports))
        if slips:
            raise InvalidInput(f"cannot use the declaration of {self.definition.name}", "; ".join(dict.fromkeys(slips)))
        return self.definition

    @hookimpl
    def addon_provision(self) -> Saga[ProvisionResult]:
        """See hookspecs."""
        return self.provision

    @hookimpl
    def addon_deprovision(self, instance: Instance) -> Saga[None]:
        """See hookspecs."""
        return about_tenant(self.deprovision, instance)
