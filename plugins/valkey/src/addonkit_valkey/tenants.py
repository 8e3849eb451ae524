"""The tenants of a server: a user for each app, and the keys and channels under a prefix."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from addonkit import (
    ArchiveReader,
    ArchiveWriter,
    Fingerprint,
    Login,
    Progress,
    Secret,
    ServerAccess,
    ServerAddress,
    Tenant,
    Tenants,
    Usage,
)
from addonkit_valkey import admin, data
from addonkit_valkey.acl import (
    OWNER,
    READ_ONLY,
    frozen_rules,
    owner_rules,
    prefix_of,
    tenant_rules,
    thawed_rules,
)
from addonkit_valkey.admin import SYSTEM_USERS, Administrator
from addonkit_valkey.options import LIVE


class UserTenants(Tenants):
    """Users of the access control list, one for each app; on a shared server one more stands for the tenant."""

    longest_claim = 100
    reserved = SYSTEM_USERS

    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Reserve the place."""
        del password  # nothing logs in as the tenant itself
        await admin.reserve_user(_administrator(access), tenant.claim if access.server.shared else OWNER)

    async def add_login(self, access: ServerAccess, tenant: Tenant, login: Login) -> None:
        """Create the app's user."""
        reads_only = login.role == READ_ONLY
        if access.server.shared:
            rules = tenant_rules(login.password, prefix_of(tenant.claim), reads_only=reads_only)
        else:
            rules = owner_rules(login.password, persistent="storage" in tenant.config, reads_only=reads_only)
        await admin.set_user(_administrator(access), login.name, rules)

    async def remove_login(self, access: ServerAccess, tenant: Tenant, name: str) -> None:
        """Remove the app's user, which ends its connections."""
        if name != tenant.claim:
            await admin.drop_user(_administrator(access), name)
        else:
            await admin.close_user(_administrator(access), _user_and_prefix(access, tenant)[0])

    async def count_sessions(self, access: ServerAccess, tenant: Tenant, name: str) -> int:
        """See Tenants."""
        user = _user_and_prefix(access, tenant)[0] if name == tenant.claim else name
        return await admin.count_connections(_administrator(access), user)

    async def configure(self, access: ServerAccess, tenant: Tenant, former: Mapping[str, str]) -> None:
        """See Tenants. A new server has read all from its file."""
        wanted = tenant.config
        changed = {name: wanted[name] for name in LIVE if name in wanted and wanted[name] != former.get(name)}
        if former and changed and not access.server.shared:
            await admin.change_settings(_administrator(access), changed)

    async def limit_writes(self, access: ServerAccess, tenant: Tenant, *, denied: bool) -> None:
        """See Tenants. A store that is over its memory refuses what adds to it, and takes what removes."""
        del tenant
        own = {name: access.server.config[name] for name in ("maxmemory", "maxmemory-policy")}
        full = {"maxmemory": "1", "maxmemory-policy": "noeviction"}
        settings = full if denied else own
        await admin.change_settings(_administrator(access), dict(sorted(settings.items(), reverse=denied)))

    async def set_admin_passwords(self, access: ServerAccess, passwords: Sequence[Secret]) -> None:
        """See Tenants. The server keeps several."""
        await admin.set_admin_passwords(_administrator(access), passwords)

    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: Progress) -> None:
        """Remove the user and its keys."""
        await self.drop_claim(access, tenant.claim, progress)

    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """See Tenants."""
        return await admin.list_users(_administrator(access))

    async def find_lost(self, access: ServerAccess, claims: Collection[str]) -> tuple[str, ...]:
        """See Tenants. On a server of its own nothing stands for the tenant but the logins of its apps."""
        if access.server.shared:
            return await super().find_lost(access, claims)
        return () if await admin.has_login(_administrator(access)) else tuple(claims)

    async def find_outdated(self, access: ServerAccess, claims: Collection[str]) -> tuple[str, ...]:
        """See Tenants. A restart, or the next change of any tenant, gives them the rights of today."""
        former = await admin.list_former(_administrator(access)) if access.server.shared else ()
        return tuple(each for each in claims if each in former)

    async def drop_claim(self, access: ServerAccess, claim: str, progress: Progress) -> None:
        """See Tenants. The user goes first: who has none writes no more keys."""
        await admin.drop_tenant(_administrator(access), claim, prefix_of(claim), progress)

    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """See Tenants."""
        return await data.dump(_administrator(access), tenant, archive, shared=access.server.shared)

    async def load(self, access: ServerAccess, tenant: Tenant, archive: ArchiveReader) -> None:
        """See Tenants."""
        await data.load(_administrator(access), access, tenant, archive, shared=access.server.shared)

    async def fingerprint(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """See Tenants."""
        return await data.fingerprint(_administrator(access), tenant, shared=access.server.shared)

    async def freeze(self, access: ServerAccess, tenant: Tenant) -> None:
        """See Tenants. What is read stays allowed."""
        user, prefix = _user_and_prefix(access, tenant)
        await admin.change_writers(_administrator(access), user, prefix, frozen_rules(prefix))

    async def thaw(self, access: ServerAccess, tenant: Tenant) -> None:
        """See Tenants."""
        user, prefix = _user_and_prefix(access, tenant)
        await admin.change_writers(_administrator(access), user, prefix, thawed_rules(prefix))

    async def usage(self, access: ServerAccess, tenant: Tenant) -> Usage:
        """See Tenants. Bytes are of memory."""
        return await admin.measure(_administrator(access), _user_and_prefix(access, tenant)[1])


def _user_and_prefix(access: ServerAccess, tenant: Tenant) -> tuple[str, str]:
    """Return the user that all apps of an instance of an older release have, and the beginning of its keys."""
    return (tenant.claim, prefix_of(tenant.claim)) if access.server.shared else (OWNER, "")


def _administrator(access: ServerAccess) -> Administrator:
    return Administrator(ServerAddress(access.host, access.port), access.password, access.open_socket)
