"""Backups of server addons: sagas of one step each, for addons whose tenants can dump, load and fingerprint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol, runtime_checkable

from addonkit.archive.interface import Archive, ArchiveReader, ArchiveWriter
from addonkit.models.fingerprint import Fingerprint
from addonkit.models.instance import Instance
from addonkit.models.sizes import describe_size
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.declaration import PASSWORD, Progress, ServerAccess, Tenant
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, step
from addonkit.util.values import frozen

LONGEST: Final = 86_400.0
"""Seconds that moving the data of one instance may take."""

_INTERVAL: Final = 2.0
"""Seconds between two remarks about bytes."""


@runtime_checkable
class DataTenants(Protocol):
    """Tenants that can be backed up; see Tenants."""

    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """Write a tenant's data into an archive."""
        ...

    async def load(self, access: ServerAccess, tenant: Tenant, archive: ArchiveReader) -> None:
        """Fill a tenant from an archive."""
        ...

    async def fingerprint(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """Take the fingerprint of a tenant's data."""
        ...


@runtime_checkable
class TransformTenants(Protocol):
    """Tenants in which a script can be run; see Tenants."""

    async def transform(self, access: ServerAccess, tenant: Tenant, script: str) -> None:
        """Run a script with the rights of a tenant."""
        ...


@frozen
class DataSagas:
    """What backups of a server addon consist of. Each takes the inputs `server_id` and `claim`.

    Attributes:
        backup: writes the archive.
        restore: reads it.
        fingerprint: takes the fingerprint of what is there.
    """

    backup: Saga[Fingerprint]
    restore: Saga[None]
    fingerprint: Saga[Fingerprint]


def data_sagas(name: str, tenants: object) -> DataSagas | None:
    """The sagas of an addon of that name; None when its tenants do not have all three verbs."""
    if not isinstance(tenants, DataTenants):
        return None
    inputs = ("server_id", "claim")
    return DataSagas(
        Saga(f"{name}.backup", inputs=inputs, steps=(_dump_step(tenants),)),
        Saga(f"{name}.restore", inputs=inputs, steps=(_load_step(tenants),)),
        Saga(f"{name}.fingerprint", inputs=inputs, steps=(_fingerprint_step(tenants),)),
    )


def transform_saga(name: str, tenants: object) -> Saga[None] | None:
    """The saga that runs a script in a tenant; None when its tenants cannot."""
    if not isinstance(tenants, TransformTenants):
        return None
    found = tenants

    @step(undo=None, timeout=LONGEST)
    async def transform(
        framework: ProviderFramework, instance: Instance, server_id: str, claim: str, script: str
    ) -> None:
        """Run the script."""
        await found.transform(await admin_access(framework, server_id), tenant_of(instance, claim), script)

    return Saga(f"{name}.transform", inputs=("server_id", "claim", "script"), steps=(transform,))


def _dump_step(tenants: DataTenants) -> Step:
    @step(gives="result", undo=None, timeout=LONGEST)
    async def dump(
        framework: ProviderFramework,
        instance: Instance,
        archive: Archive,
        progress: Progress,
        server_id: str,
        claim: str,
    ) -> Fingerprint:
        """Write the data into the archive."""
        access = await admin_access(framework, server_id)
        async with archive.writing() as writer, _remarks(progress, lambda: f"{describe_size(writer.written)} written"):
            found = await tenants.dump(access, tenant_of(instance, claim), writer)
            await writer.finish(found)
        progress(_items(found, "written"))
        return found

    return dump


def _load_step(tenants: DataTenants) -> Step:
    @step(undo=None, timeout=LONGEST)
    async def load(
        framework: ProviderFramework,
        instance: Instance,
        archive: Archive,
        progress: Progress,
        server_id: str,
        claim: str,
    ) -> None:
        """Load the data from the archive."""
        access = await admin_access(framework, server_id)
        async with archive.reading() as reader, _remarks(progress, lambda: f"{describe_size(reader.bytes_read)} read"):
            await tenants.load(access, tenant_of(instance, claim), reader)

    return load


def _fingerprint_step(tenants: DataTenants) -> Step:
    @step(gives="result", undo=None, timeout=LONGEST)
    async def take_fingerprint(
        framework: ProviderFramework, instance: Instance, progress: Progress, server_id: str, claim: str
    ) -> Fingerprint:
        """Take the fingerprint of the data."""
        found = await tenants.fingerprint(await admin_access(framework, server_id), tenant_of(instance, claim))
        progress(_items(found, "read"))
        return found

    return take_fingerprint


def _items(found: Fingerprint, done: str) -> str:
    return f"{found.count:,} {'item' if found.count == 1 else 'items'} {done}"


def tenant_of(instance: Instance, claim: str) -> Tenant:
    """An instance as the server it lives on sees it."""
    return Tenant(claim, instance.id, instance.config, instance.attributes.get(PASSWORD))


@asynccontextmanager
async def _remarks(progress: Progress, text: Callable[[], str]) -> AsyncIterator[None]:
    """Show how far it is from time to time."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(_INTERVAL)
            progress(text())

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
    progress(text())
