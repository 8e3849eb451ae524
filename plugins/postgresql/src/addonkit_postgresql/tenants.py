"""The tenants of a server: a role for each app, and a database of the same name that belongs to it.

A create imports what makes a tenant; what else is done with one is imported when it is done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from addonkit import (
    ArchiveReader,
    ArchiveWriter,
    Extension,
    Facts,
    Fingerprint,
    Login,
    Progress,
    Secret,
    ServerAccess,
    ServerAddress,
    Stopped,
    Tenant,
    Tenants,
    Usage,
)
from addonkit_postgresql import (
    admin,
    configuring,
    extending,
    logins,
)
from addonkit_postgresql.naming import LONGEST, Reserved, wanted_name
from addonkit_postgresql.removal import remove
from addonkit_postgresql.scram import fits
from addonkit_postgresql.session import Administrator

_UNLIMITED: Final = "-1"


class DatabaseTenants(Tenants):
    """Roles and databases; see admin.py for what is done to the server."""

    longest_claim = LONGEST
    reserved = Reserved()

    def wanted_claim(self, app: str) -> str:
        """See Tenants."""
        return wanted_name(app)

    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the owner and its database."""
        del password  # the owner cannot log in
        server = administrator(access)
        alone, settings = not access.server.shared, tenant.config
        await admin.create_tenant(server, tenant.claim, tenant.owner, alone=alone, settings=settings)

    async def configure(self, access: ServerAccess, tenant: Tenant, former: Mapping[str, str]) -> None:
        """See Tenants. A new database was created with all."""
        if former:
            await extending.change(administrator(access), tenant.claim, former, tenant.config)
            await configuring.configure(administrator(access), tenant.claim, former, tenant.config)

    async def reload_certificate(self, access: ServerAccess) -> None:
        """See Tenants."""
        async with administrator(access).session() as connection:
            await connection.execute("SELECT pg_reload_conf()")

    async def set_admin_passwords(self, access: ServerAccess, passwords: Sequence[Secret]) -> None:
        """See Tenants. The server keeps one."""
        await admin.set_password(administrator(access), passwords[-1])

    async def limit_writes(self, access: ServerAccess, tenant: Tenant, *, denied: bool) -> None:
        """See Tenants."""
        from addonkit_postgresql import limiting

        await limiting.limit_writes(administrator(access), tenant.claim, denied=denied)

    async def extensions(self, access: ServerAccess, tenant: Tenant) -> tuple[Extension, ...]:
        """See Tenants."""
        return await extending.available(administrator(access), tenant.claim)

    async def update_extension(self, access: ServerAccess, tenant: Tenant, extension: str) -> None:
        """See Tenants."""
        await extending.update(administrator(access), tenant.claim, extension)

    async def add_login(self, access: ServerAccess, tenant: Tenant, login: Login) -> None:
        """Create the app's login."""
        limit = int(tenant.config.get("connections_per_app", _UNLIMITED))
        await logins.add_login(administrator(access), tenant, login, limit)

    async def remove_login(self, access: ServerAccess, tenant: Tenant, name: str) -> None:
        """End the app's login and its sessions."""
        await logins.remove_login(administrator(access), tenant, name)

    async def count_sessions(self, access: ServerAccess, tenant: Tenant, name: str) -> int:
        """See Tenants."""
        del tenant
        return await logins.count_sessions(administrator(access), name)

    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: Progress) -> None:
        """Log the app out, drop its databases and its role."""
        del progress
        await remove(administrator(access), tenant.claim, tenant.owner)

    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """See Tenants."""
        return await admin.list_claims(administrator(access))

    async def find_lost(self, access: ServerAccess, claims: Collection[str]) -> tuple[str, ...]:
        """See Tenants. Both are needed: the role and its database."""
        server = administrator(access)
        whole = set(await admin.list_claims(server)).intersection(await admin.list_databases(server))
        return tuple(sorted(set(claims) - whole))

    async def find_changed(self, access: ServerAccess, tenants: Sequence[Tenant]) -> tuple[str, ...]:
        """See Tenants. A role may change its own password."""
        names = [name for each in tenants for name in each.logins]
        kept = await admin.read_verifiers(administrator(access), names)

        def is_changed(tenant: Tenant) -> bool:
            return any(not fits(password.reveal(), kept.get(name, "")) for name, password in tenant.logins.items())

        return tuple(each.claim for each in tenants if is_changed(each))

    async def find_hogs(self, access: ServerAccess, claims: Collection[str]) -> dict[str, str]:
        """See Tenants. The only app of a server shares nothing."""
        from addonkit_postgresql import hogs

        found = await hogs.find_hogs(administrator(access)) if access.server.shared else {}
        return {claim: held for claim, held in found.items() if claim in claims}

    async def drop_claim(self, access: ServerAccess, claim: str, progress: Progress) -> None:
        """See Tenants."""
        del progress
        await admin.drop_claim(administrator(access), claim)

    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """See Tenants."""
        from addonkit_postgresql import dump

        return await dump.dump(administrator(access), access, tenant, archive)

    async def load(self, access: ServerAccess, tenant: Tenant, archive: ArchiveReader) -> None:
        """See Tenants."""
        from addonkit_postgresql import dump

        await dump.load(administrator(access), access, tenant, archive)
        # An archive has what was set when it was written.
        await configuring.configure(administrator(access), tenant.claim, {}, tenant.config)

    async def fingerprint(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """See Tenants."""
        from addonkit_postgresql import dump

        return await dump.fingerprint(administrator(access), tenant)

    async def transform(self, access: ServerAccess, tenant: Tenant, script: str) -> None:
        """See Tenants."""
        from addonkit_postgresql import transform

        await transform.transform(administrator(access), access, tenant, script)

    async def freeze(self, access: ServerAccess, tenant: Tenant) -> None:
        """See Tenants."""
        from addonkit_postgresql import freezing

        await freezing.freeze(administrator(access), tenant.claim)

    async def thaw(self, access: ServerAccess, tenant: Tenant) -> None:
        """See Tenants."""
        from addonkit_postgresql import freezing

        await freezing.thaw(administrator(access), tenant.claim)

    async def copy(self, access: ServerAccess, source: str, tenant: Tenant) -> bool:
        """See Tenants."""
        from addonkit_postgresql import copying

        return await copying.copy(administrator(access), source, tenant)

    async def copy_server(
        self, access: ServerAccess, tenant: Tenant, source: ServerAccess, claim: str, stopped: Stopped
    ) -> bool:
        """See Tenants."""
        from addonkit_postgresql import server_copy

        origin = administrator(source), source, claim
        return await server_copy.copy_server(administrator(access), access, tenant, origin, stopped)

    async def outline(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """See Tenants."""
        from addonkit_postgresql import dump

        return await dump.outline(administrator(access), tenant)

    async def facts(self, access: ServerAccess, tenant: Tenant) -> Facts:
        """See Tenants."""
        from addonkit_postgresql import facts

        return await facts.facts_of(administrator(access), tenant.claim)

    async def usage(self, access: ServerAccess, tenant: Tenant) -> Usage:
        """See Tenants."""
        from addonkit_postgresql import freezing

        return await freezing.usage(administrator(access), tenant.claim)


def administrator(access: ServerAccess) -> Administrator:
    """Return the superuser of a server."""
    address, other = ServerAddress(access.host, access.port), access.passwords[1:]
    return Administrator(address, access.password, access.open_socket, *other)
