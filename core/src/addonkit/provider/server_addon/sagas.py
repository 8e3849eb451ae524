"""The sagas of a server addon, each put together from its steps when it is asked for first."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from addonkit.provider.server_addon.connections import Connections, ServerResultSteps, TenantResultSteps
from addonkit.provider.server_addon.membership import PlaceSteps
from addonkit.provider.server_addon.tenancy import TenantSteps, generate_password
from addonkit.provider.server_sagas import ServerSagas, server_sagas
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, title_of

if TYPE_CHECKING:
    from addonkit.models.facts import Facts
    from addonkit.models.fingerprint import Fingerprint
    from addonkit.models.result import BindResult, Extensions, Inventory, ProvisionResult, Sessions, Usage
    from addonkit.provider.server_addon.declaration import Tenants
    from addonkit.provider.server_addon.logins import LoginSteps
    from addonkit.provider.server_sagas import PoolOf


class ServerAddonSagas:
    """The sagas of a server addon. Ask only for those that its tenants have the verbs for.

    Args:
        name: of the addon; prefix of the names of its sagas.
        pool: how the pool of a server looks.
        resetting: how it looks for the start that sets the administrator's password; None without a way to do that.
        port: that clients use, as numbered in the pool's spec.
        tenants: of its servers; None where they know none.
        connections: put the variables together.
    """

    def __init__(
        self,
        name: str,
        pool: PoolOf,
        resetting: PoolOf | None,
        port: int,
        tenants: Tenants | None,
        connections: Connections,
    ) -> None:
        self._name = name
        self._pool = pool
        self._resetting = resetting
        self._port = port
        self._tenants: Any = tenants  # has the verbs of each saga that is asked for
        self._connections = connections

    @cached_property
    def servers(self) -> ServerSagas:
        """Makes a server, and removes it."""
        return server_sagas(self._name, self._pool, port=self._port)

    @cached_property
    def provision(self) -> Saga[ProvisionResult]:
        """Makes an instance: one saga for all variants, a dedicated server being one with one tenant."""
        place = PlaceSteps(self.servers, self._tenants)
        inside: tuple[Step, ...] = (ServerResultSteps(self._connections).build_result,)
        if self._tenants is not None:
            create = TenantSteps(self._tenants).create_tenant.with_title(title_of(self._tenants.create_tenant))
            inside = (generate_password, create, TenantResultSteps(self._connections).build_result)
        server = place.ensure_server.with_runs(self.servers.ensure)
        return Saga(f"{self._name}.provision", steps=(place.join_server, server, *inside))

    @cached_property
    def deprovision(self) -> Saga[None]:
        """Removes an instance, from whatever state it is in."""
        leave = PlaceSteps(self.servers, self._tenants).leave_server.with_runs(self.servers.remove)
        if self._tenants is None:
            return self._about_tenant("deprovision", leave)
        remove = TenantSteps(self._tenants).remove_tenant.with_title(title_of(self._tenants.remove_tenant))
        return self._about_tenant("deprovision", remove, leave)

    @cached_property
    def inspect(self) -> Saga[Inventory]:
        """Lists what lives on a server."""
        from addonkit.provider.server_addon.inspecting import ClaimSteps

        return self._about_server("inspect", ClaimSteps(self._tenants).list_claims)

    @cached_property
    def drop_claim(self) -> Saga[None]:
        """Removes what no instance owns."""
        from addonkit.provider.server_addon.inspecting import ClaimSteps

        return self._about_tenant("drop-claim", ClaimSteps(self._tenants).drop_claim)

    @cached_property
    def _login_steps(self) -> LoginSteps:
        from addonkit.provider.server_addon.logins import LoginNames, LoginSteps

        names = LoginNames(self._tenants.longest_claim, self._tenants.reserved)
        return LoginSteps(self._tenants, names, self._connections)

    @cached_property
    def bind(self) -> Saga[BindResult]:
        """Makes the login of an app."""
        from addonkit.provider.server_addon.logins import generate_login_password

        steps = self._login_steps
        add = steps.add_login.with_title(title_of(self._tenants.add_login))
        return self._about_tenant("bind", generate_login_password, add, steps.build_binding)

    @cached_property
    def unbind(self) -> Saga[None]:
        """Ends the login of an app."""
        title = title_of(self._tenants.remove_login)
        return self._about_tenant("unbind", self._login_steps.remove_login.with_title(title))

    @cached_property
    def sessions(self) -> Saga[Sessions]:
        """Counts the sessions of an app."""
        return self._about_tenant("sessions", self._login_steps.count_sessions)

    @cached_property
    def backup(self) -> Saga[Fingerprint]:
        """Writes the data into an archive."""
        from addonkit.provider.server_addon.data import DataSteps

        return self._about_tenant("backup", DataSteps(self._tenants).dump)

    @cached_property
    def restore(self) -> Saga[None]:
        """Loads the data from an archive."""
        from addonkit.provider.server_addon.data import DataSteps

        return self._about_tenant("restore", DataSteps(self._tenants).load)

    @cached_property
    def fingerprint(self) -> Saga[Fingerprint]:
        """Takes the fingerprint of the data."""
        from addonkit.provider.server_addon.data import DataSteps

        return self._about_tenant("fingerprint", DataSteps(self._tenants).take_fingerprint)

    @cached_property
    def transform(self) -> Saga[None]:
        """Runs a script in a tenant."""
        from addonkit.provider.server_addon.data import TransformSteps

        return self._about_tenant("transform", TransformSteps(self._tenants).transform, inputs=("script",))

    @cached_property
    def copy(self) -> Saga[bool]:
        """Copies a tenant without an archive."""
        from addonkit.provider.server_addon.copying import CopySteps

        inputs = ("source_server", "source")
        return self._about_tenant("copy", CopySteps(self._tenants).copy_within_server, inputs=inputs)

    @cached_property
    def outline(self) -> Saga[Fingerprint]:
        """Takes the outline of the data."""
        from addonkit.provider.server_addon.copying import OutlineSteps

        return self._about_tenant("outline", OutlineSteps(self._tenants).take_outline)

    @cached_property
    def facts(self) -> Saga[Facts]:
        """Asks for the facts of a place."""
        from addonkit.provider.server_addon.copying import FactSteps

        return self._about_tenant("facts", FactSteps(self._tenants).ask_for_facts)

    @cached_property
    def freeze(self) -> Saga[None]:
        """Keeps apps from writing."""
        from addonkit.provider.server_addon.freezing import FreezeSteps

        return self._about_tenant("freeze", FreezeSteps(self._tenants).freeze)

    @cached_property
    def thaw(self) -> Saga[None]:
        """Lets apps write again."""
        from addonkit.provider.server_addon.freezing import FreezeSteps

        return self._about_tenant("thaw", FreezeSteps(self._tenants).thaw)

    @cached_property
    def usage(self) -> Saga[Usage]:
        """Measures the data."""
        from addonkit.provider.server_addon.freezing import UsageSteps

        return self._about_tenant("usage", UsageSteps(self._tenants).measure)

    @cached_property
    def limit_writes(self) -> Saga[None]:
        """Keeps apps from writing more, or lets them again."""
        from addonkit.provider.server_addon.limiting import LimitSteps

        return self._about_tenant("limit-writes", LimitSteps(self._tenants).limit_writes, inputs=("denied",))

    @cached_property
    def extensions(self) -> Saga[Extensions]:
        """Lists extensions."""
        from addonkit.provider.server_addon.extending import ExtensionSteps

        return self._about_tenant("extensions", ExtensionSteps(self._tenants).list_extensions)

    @cached_property
    def update_extension(self) -> Saga[None]:
        """Updates an extension."""
        from addonkit.provider.server_addon.extending import ExtensionSteps

        steps = ExtensionSteps(self._tenants)
        return self._about_tenant("update-extension", steps.update_extension, inputs=("extension",))

    @cached_property
    def configure(self) -> Saga[None]:
        """Brings other values of options into force."""
        from addonkit.provider.server_addon.configuring import OptionSteps

        steps = OptionSteps(self._tenants, self._pool).all()
        return self._about_tenant("configure", *steps, inputs=("former", "wanted", "restart"))

    @cached_property
    def rotate_admin(self) -> Saga[None]:
        """Gives the administrator another password."""
        from addonkit.provider.server_addon.admin_rotation import RotationSteps

        steps = RotationSteps(self._tenants, self._tenants, self._pool)
        return self._about_server(
            "rotate-admin",
            generate_password,
            steps.announce_password,
            steps.let_in,
            steps.switch_password,
            steps.lock_out,
        )

    @cached_property
    def reset_admin(self) -> Saga[None]:
        """Gives the administrator the recorded password without a login."""
        from addonkit.provider.server_addon.admin_rotation import ResetSteps

        steps = ResetSteps(self._tenants, self._pool, self._resetting or self._pool)
        return self._about_server("reset-admin", steps.reset_password, steps.check_password, steps.restart_server)

    @cached_property
    def renew_certificate(self) -> Saga[None]:
        """Gives a server another certificate."""
        from addonkit.provider.server_addon.certifying import CertificateSteps

        steps = CertificateSteps(self._tenants, self._pool)
        return self._about_server(
            "renew-certificate", steps.sign_certificate, steps.use_certificate, steps.record_certificate
        )

    def _about_tenant(self, verb: str, *steps: Step, inputs: tuple[str, ...] = ()) -> Saga[Any]:
        return Saga(f"{self._name}.{verb}", inputs=("server_id", "claim", *inputs), steps=steps)

    def _about_server(self, verb: str, *steps: Step) -> Saga[Any]:
        return Saga(f"{self._name}.{verb}", inputs=("server_id",), steps=steps)
