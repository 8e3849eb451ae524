"""Digests of one kind that something is there, and not what it holds."""

from __future__ import annotations

from collections.abc import Mapping

from addonkit import Fingerprint
from mutants import leaves_out_a_kind
from mutants.depot import made
from mutants.depot_backups import Kept

CAUGHT_BY = "a_fingerprint_tells_data_apart[shared]"
SAYS = "a note was changed, and the fingerprint is the same"
CLIENT = "mutants.digests_names_alone:Client"


class Client(leaves_out_a_kind.Client):
    """Changes notes, too."""

    def change(self, environ: Mapping[str, str], kind: str) -> bool:
        self.write(environ, "note-1", "changed")
        return True


class NamesOfNotes(Kept):
    def digest(self, values: dict[str, str]) -> Fingerprint:
        """The fingerprint of values."""
        return super().digest({key: "" if key.startswith("note-") else value for key, value in values.items()})


ADDON = made(tenants=NamesOfNotes())
