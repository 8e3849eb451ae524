"""Hooks of a server addon: one saga for each, bound to what it is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from addonkit.hookspecs import hookimpl
from addonkit.provider.server_addon import verbs

if TYPE_CHECKING:
    from addonkit.models.definition import AddonDefinition
    from addonkit.models.facts import Facts
    from addonkit.models.fingerprint import Fingerprint
    from addonkit.models.instance import Association, Instance, Server
    from addonkit.models.result import BindResult, Extensions, Inventory, ProvisionResult, Sessions, Usage
    from addonkit.provider.server_addon.sagas import ServerAddonSagas
    from addonkit.saga.saga import Saga

T = TypeVar("T")

NEEDED_VERBS: Final[Mapping[str, type]] = {
    "addon_bind": verbs.LoginTenants,
    "addon_unbind": verbs.LoginTenants,
    "addon_sessions": verbs.LoginTenants,
    "addon_backup": verbs.DataTenants,
    "addon_restore": verbs.DataTenants,
    "addon_fingerprint": verbs.DataTenants,
    "addon_transform": verbs.TransformTenants,
    "addon_copy": verbs.CopyingTenants,
    "addon_outline": verbs.OutlinedTenants,
    "addon_facts": verbs.FactTenants,
    "addon_freeze": verbs.FreezingTenants,
    "addon_thaw": verbs.FreezingTenants,
    "addon_usage": verbs.MeasuredTenants,
    "addon_limit_writes": verbs.LimitedTenants,
    "addon_extensions": verbs.ExtendedTenants,
    "addon_update_extension": verbs.ExtendedTenants,
    "addon_rotate_admin": verbs.AdminTenants,
}
"""Hooks to the verbs that tenants need for them."""


class ServerHooks:
    """Answers all hooks; ServerAddon takes away those that its tenants have no verbs for."""

    definition: AddonDefinition
    sagas: ServerAddonSagas

    @hookimpl
    def addon_provision(self) -> Saga[ProvisionResult]:
        """See hookspecs."""
        return self.sagas.provision

    @hookimpl
    def addon_deprovision(self, instance: Instance) -> Saga[None]:
        """See hookspecs."""
        return about_tenant(self.sagas.deprovision, instance)

    @hookimpl
    def addon_bind(self, association: Association, instance: Instance) -> Saga[BindResult]:
        """See hookspecs; steps get the association from the engine."""
        del association
        return about_tenant(self.sagas.bind, instance)

    @hookimpl
    def addon_unbind(self, association: Association, instance: Instance) -> Saga[None]:
        """See hookspecs; steps get the association from the engine."""
        del association
        return about_tenant(self.sagas.unbind, instance)

    @hookimpl
    def addon_sessions(self, association: Association, instance: Instance) -> Saga[Sessions]:
        """See hookspecs; steps get the association from the engine."""
        del association
        return about_tenant(self.sagas.sessions, instance)

    @hookimpl
    def addon_backup(self, instance: Instance) -> Saga[Fingerprint]:
        """See hookspecs."""
        return about_tenant(self.sagas.backup, instance)

    @hookimpl
    def addon_restore(self, instance: Instance) -> Saga[None]:
        """See hookspecs."""
        return about_tenant(self.sagas.restore, instance)

    @hookimpl
    def addon_fingerprint(self, instance: Instance) -> Saga[Fingerprint]:
        """See hookspecs."""
        return about_tenant(self.sagas.fingerprint, instance)

    @hookimpl
    def addon_transform(self, instance: Instance, script: str) -> Saga[None]:
        """See hookspecs."""
        return about_tenant(self.sagas.transform, instance, script=script)

    @hookimpl
    def addon_copy(self, source: Instance, instance: Instance) -> Saga[bool]:
        """See hookspecs."""
        return about_tenant(self.sagas.copy, instance, source_server=source.server, source=source.claim)

    @hookimpl
    def addon_outline(self, instance: Instance) -> Saga[Fingerprint]:
        """See hookspecs."""
        return about_tenant(self.sagas.outline, instance)

    @hookimpl
    def addon_facts(self, instance: Instance) -> Saga[Facts]:
        """See hookspecs."""
        return about_tenant(self.sagas.facts, instance)

    @hookimpl
    def addon_freeze(self, instance: Instance) -> Saga[None]:
        """See hookspecs."""
        return about_tenant(self.sagas.freeze, instance)

    @hookimpl
    def addon_thaw(self, instance: Instance) -> Saga[None]:
        """See hookspecs."""
        return about_tenant(self.sagas.thaw, instance)

    @hookimpl
    def addon_usage(self, instance: Instance) -> Saga[Usage]:
        """See hookspecs."""
        return about_tenant(self.sagas.usage, instance)

    @hookimpl
    def addon_limit_writes(self, instance: Instance, denied: bool) -> Saga[None]:  # noqa: FBT001 - the hook's signature
        """See hookspecs."""
        return about_tenant(self.sagas.limit_writes, instance, denied=denied)

    @hookimpl
    def addon_extensions(self, instance: Instance) -> Saga[Extensions]:
        """See hookspecs."""
        return about_tenant(self.sagas.extensions, instance)

    @hookimpl
    def addon_update_extension(self, instance: Instance, extension: str) -> Saga[None]:
        """See hookspecs."""
        return about_tenant(self.sagas.update_extension, instance, extension=extension)

    @hookimpl
    def addon_configure(self, instance: Instance, config: Mapping[str, str]) -> Saga[None]:
        """See hookspecs."""
        from addonkit.provider.server_addon.configuring import changes_of

        return about_tenant(self.sagas.configure, instance, **changes_of(self.definition, instance, config))

    @hookimpl
    def addon_inspect(self, server: Server) -> Saga[Inventory]:
        """See hookspecs."""
        return self.sagas.inspect.bind(server_id=server.id)

    @hookimpl
    def addon_drop_claim(self, server: Server, claim: str) -> Saga[None]:
        """See hookspecs."""
        return self.sagas.drop_claim.bind(server_id=server.id, claim=claim)

    @hookimpl
    def addon_rotate_admin(self, server: Server) -> Saga[None]:
        """See hookspecs."""
        return self.sagas.rotate_admin.bind(server_id=server.id)

    @hookimpl
    def addon_reset_admin(self, server: Server) -> Saga[None]:
        """See hookspecs."""
        return self.sagas.reset_admin.bind(server_id=server.id)

    @hookimpl
    def addon_renew_certificate(self, server: Server) -> Saga[None]:
        """See hookspecs."""
        return self.sagas.renew_certificate.bind(server_id=server.id)


def about_tenant(saga: Saga[T], instance: Instance, **more: Any) -> Saga[T]:
    """Bind a saga to the tenant that an instance is, or was before it left its server."""
    left = instance.attributes
    server_id, claim = instance.server or left.get("server_id", ""), instance.claim or left.get("claim", "")
    return saga.bind(server_id=server_id, claim=claim, **more)
