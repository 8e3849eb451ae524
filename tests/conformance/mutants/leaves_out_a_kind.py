"""Leaves all of one kind out of its backups, and out of the fingerprint."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from addonkit import ArchiveWriter, Fingerprint, ServerAccess, Tenant
from mutants import depot
from mutants.depot import made
from mutants.depot_backups import Kept, chunks

CAUGHT_BY = "data_come_back_from_a_backup[shared]"
SAYS = "in place of its note 'kept' (restored from a backup)"
CLIENT = "mutants.leaves_out_a_kind:Client"


class Client(depot.Client):
    """Knows notes beside values."""

    def kinds(self, environ: Mapping[str, str]) -> Collection[str]:
        return ("note",)

    def make(self, environ: Mapping[str, str], kind: str) -> None:
        self.write(environ, "note-1", "kept")

    def look(self, environ: Mapping[str, str], kind: str) -> str:
        return str(self.read(environ, "note-1"))


class WithoutNotes(Kept):
    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """Write the values."""
        values = await self.values(access, tenant)
        await archive.write("values.json", chunks(json.dumps(_without_notes(values)).encode()))
        return self.digest(values)

    def digest(self, values: dict[str, str]) -> Fingerprint:
        """The fingerprint of values."""
        return super().digest(_without_notes(values))


def _without_notes(values: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if not key.startswith("note-")}


ADDON = made(tenants=WithoutNotes())
