"""Can write backups, and cannot read them."""

from types import SimpleNamespace

from mutants.depot_backups import ADDON as GOOD

CAUGHT_BY = "backups_are_whole"
SAYS = "it has no addon_restore, addon_fingerprint"

HOOKS = [name for name in dir(GOOD) if name.startswith("addon_") and name not in {"addon_restore", "addon_fingerprint"}]
ADDON = SimpleNamespace(**{name: getattr(GOOD, name) for name in HOOKS})
