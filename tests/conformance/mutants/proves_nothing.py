"""Has one fingerprint for all data."""

from addonkit import Fingerprint, Part
from mutants.depot import made
from mutants.depot_backups import Kept

CAUGHT_BY = "a_fingerprint_tells_data_apart[shared]"
SAYS = "other data have the same fingerprint"


class Blind(Kept):
    def digest(self, values: dict[str, str]) -> Fingerprint:
        """Look at nothing."""
        return Fingerprint((Part("values", 0, "0"),))


ADDON = made(tenants=Blind())
