"""Takes the number of values for a fingerprint."""

from addonkit import Fingerprint, Part
from mutants.depot import made
from mutants.depot_backups import Kept

CAUGHT_BY = "a_fingerprint_tells_data_apart[shared]"
SAYS = "other data have the same fingerprint"


class Counting(Kept):
    def digest(self, values: dict[str, str]) -> Fingerprint:
        """Count them."""
        return Fingerprint((Part("values", len(values), "counted"),))


ADDON = made(tenants=Counting())
