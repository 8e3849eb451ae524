"""Copies between tenants of one server: a saga of one step, for addons whose tenants know a faster way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from addonkit.hookspecs import hookimpl
from addonkit.models.facts import Facts
from addonkit.models.fingerprint import Fingerprint
from addonkit.models.instance import Instance
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.answers import of_instance
from addonkit.provider.server_addon.data import LONGEST, DataTenants, tenant_of
from addonkit.provider.server_addon.declaration import ServerAccess, Tenant
from addonkit.saga.saga import Saga
from addonkit.saga.step import step


@runtime_checkable
class CopyingTenants(Protocol):
    """Tenants that can be copied within a server; see Tenants."""

    async def copy(self, access: ServerAccess, source: str, tenant: Tenant) -> bool:
        """Fill a tenant with what another one has."""
        ...


@runtime_checkable
class OutlinedTenants(Protocol):
    """Tenants whose copies can be compared without reading them; see Tenants."""

    async def outline(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """Take the outline of a tenant."""
        ...


def outline_hook(name: str, tenants: object) -> Callable[[Instance], Saga[Fingerprint]] | None:
    """The hook `addon_outline` of the addon of that name; None when its tenants have none."""
    if not isinstance(tenants, OutlinedTenants):
        return None
    found = tenants

    @step(gives="result", undo=None, timeout=LONGEST)
    async def take_outline(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> Fingerprint:
        """Take the outline of the data."""
        return await found.outline(await admin_access(framework, server_id), tenant_of(instance, claim))

    saga: Saga[Fingerprint] = Saga(f"{name}.outline", inputs=("server_id", "claim"), steps=(take_outline,))

    return of_instance(saga)


@runtime_checkable
class FactTenants(Protocol):
    """Tenants whose place has facts that another one may not share; see Tenants."""

    async def facts(self, access: ServerAccess, tenant: Tenant) -> Facts:
        """Ask for the facts of a tenant."""
        ...


def facts_hook(name: str, tenants: object) -> Callable[[Instance], Saga[Facts]] | None:
    """The hook `addon_facts` of the addon of that name; None when its tenants have none."""
    if not isinstance(tenants, FactTenants):
        return None
    found = tenants

    @step(gives="result", undo=None)
    async def ask_for_facts(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> Facts:
        """Ask for the facts of the place."""
        return await found.facts(await admin_access(framework, server_id), tenant_of(instance, claim))

    saga: Saga[Facts] = Saga(f"{name}.facts", inputs=("server_id", "claim"), steps=(ask_for_facts,))

    return of_instance(saga)


def check_copying(name: str, tenants: object) -> None:
    """Make sure that a copy can be proved.

    Raises:
        ValueError: it can not: a verb is missing that is asked for when others are there.
    """
    copies = isinstance(tenants, CopyingTenants)
    if copies and not isinstance(tenants, DataTenants):
        raise ValueError(
            f"tenants of addon {name} have `copy` without `dump`, `load` and `fingerprint`, which prove it"
        )
    if isinstance(tenants, OutlinedTenants) and not copies:
        raise ValueError(f"tenants of addon {name} have `outline` without `copy`, after which alone it is asked for")


def copy_hook(name: str, tenants: object) -> Callable[[Instance, Instance], Saga[bool]] | None:
    """The hook `addon_copy` of the addon of that name; None when its tenants cannot."""
    if not isinstance(tenants, CopyingTenants):
        return None
    found = tenants

    @step(gives="result", undo=None, timeout=LONGEST)
    async def copy_within_server(
        framework: ProviderFramework, instance: Instance, server_id: str, claim: str, source_server: str, source: str
    ) -> bool:
        """Copy within the server."""
        if server_id != source_server:
            return False
        return await found.copy(await admin_access(framework, server_id), source, tenant_of(instance, claim))

    inputs = ("server_id", "claim", "source_server", "source")
    saga: Saga[bool] = Saga(f"{name}.copy", inputs=inputs, steps=(copy_within_server,))

    @hookimpl
    def addon_copy(source: Instance, instance: Instance) -> Saga[bool]:
        return saga.bind(
            server_id=instance.server, claim=instance.claim, source_server=source.server, source=source.claim
        )

    return addon_copy
