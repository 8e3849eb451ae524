"""Optional verbs of tenants: what an addon can do beside its main job follows from those that its tenants have.

`Tenants` describes each of them for authors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from addonkit.archive.interface import ArchiveReader, ArchiveWriter
    from addonkit.models.facts import Facts
    from addonkit.models.fingerprint import Fingerprint
    from addonkit.models.result import Extension, Usage
    from addonkit.models.secret import Secret
    from addonkit.provider.server_addon.declaration import Login, ServerAccess, Stopped, Tenant


@runtime_checkable
class LoginTenants(Protocol):
    """Tenants whose apps have logins of their own."""

    async def add_login(self, access: ServerAccess, tenant: Tenant, login: Login) -> None:
        """Let an app log in."""
        ...

    async def remove_login(self, access: ServerAccess, tenant: Tenant, name: str) -> None:
        """End a login and its sessions."""
        ...

    async def count_sessions(self, access: ServerAccess, tenant: Tenant, name: str) -> int:
        """Count the sessions of a login."""
        ...


@runtime_checkable
class DataTenants(Protocol):
    """Tenants that can be backed up."""

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
    """Tenants in which a script can be run."""

    async def transform(self, access: ServerAccess, tenant: Tenant, script: str) -> None:
        """Run a script with the rights of a tenant."""
        ...


@runtime_checkable
class CopyingTenants(Protocol):
    """Tenants that can be copied within a server."""

    async def copy(self, access: ServerAccess, source: str, tenant: Tenant) -> bool:
        """Fill a tenant with what another one has."""
        ...


@runtime_checkable
class ServerCopyingTenants(Protocol):
    """Tenants whose server can be copied into another one."""

    async def copy_server(
        self, access: ServerAccess, tenant: Tenant, source: ServerAccess, claim: str, stopped: Stopped
    ) -> bool:
        """Fill a server with what another one has."""
        ...


@runtime_checkable
class OutlinedTenants(Protocol):
    """Tenants whose copies can be compared without reading them."""

    async def outline(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """Take the outline of a tenant."""
        ...


@runtime_checkable
class FactTenants(Protocol):
    """Tenants whose place has facts that another one may not share."""

    async def facts(self, access: ServerAccess, tenant: Tenant) -> Facts:
        """Ask for the facts of a tenant."""
        ...


@runtime_checkable
class FreezingTenants(Protocol):
    """Tenants that can be kept from writing."""

    async def freeze(self, access: ServerAccess, tenant: Tenant) -> None:
        """Keep a tenant from writing."""
        ...

    async def thaw(self, access: ServerAccess, tenant: Tenant) -> None:
        """Let a tenant write again."""
        ...


@runtime_checkable
class MeasuredTenants(Protocol):
    """Tenants whose size is known."""

    async def usage(self, access: ServerAccess, tenant: Tenant) -> Usage:
        """Tell how much a tenant holds."""
        ...


@runtime_checkable
class LimitedTenants(Protocol):
    """Tenants that can be kept from writing more."""

    async def limit_writes(self, access: ServerAccess, tenant: Tenant, *, denied: bool) -> None:
        """Keep a tenant from writing more, or let it write again."""
        ...


@runtime_checkable
class ExtendedTenants(Protocol):
    """Tenants that can have extensions."""

    async def extensions(self, access: ServerAccess, tenant: Tenant) -> tuple[Extension, ...]:
        """List what a tenant has, and what it can have."""
        ...

    async def update_extension(self, access: ServerAccess, tenant: Tenant, extension: str) -> None:
        """Bring one to the version that the server has."""
        ...


@runtime_checkable
class OptionTenants(Protocol):
    """Tenants that have options of their own."""

    async def configure(self, access: ServerAccess, tenant: Tenant, former: Mapping[str, str]) -> None:
        """Bring into force what differs between the former config and the tenant's."""
        ...


@runtime_checkable
class AdminTenants(Protocol):
    """Tenants of servers whose administrator's password can be replaced."""

    async def set_admin_passwords(self, access: ServerAccess, passwords: Sequence[Secret]) -> None:
        """Let the administrator log in with these passwords, or with the last of them."""
        ...


@runtime_checkable
class CertificateTenants(Protocol):
    """Tenants of servers that read another certificate while they run."""

    async def reload_certificate(self, access: ServerAccess) -> None:
        """Let sessions that begin from now on see the certificate that was written last."""
        ...
