"""Digests its options beside the data: a backup from before an option was changed never comes back."""

from __future__ import annotations

import json

import attrs

from addonkit import ArchiveWriter, Fingerprint, ServerAccess, Tenant
from mutants.depot import made
from mutants.depot_backups import Kept

CAUGHT_BY = "a_fingerprint_tells_data_apart[small]"
SAYS = "the same data have another fingerprint after sessions changed: values: "


class OptionsToo(Kept):
    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """Write the values."""
        return with_options(await super().dump(access, tenant, archive), tenant)

    async def fingerprint(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """Digest the values."""
        return with_options(await super().fingerprint(access, tenant), tenant)


def with_options(found: Fingerprint, tenant: Tenant) -> Fingerprint:
    """Add the config of the instance."""
    config = json.dumps(sorted(tenant.config.items()))
    return Fingerprint(tuple(attrs.evolve(each, digest=each.digest + config) for each in found.parts))


ADDON = made(tenants=OptionsToo())
