"""Cannot tell who lives on its shared server."""

from mutants.depot import made

CAUGHT_BY = "neighbours_are_kept_apart[shared]"
SAYS = "it has a shared variant and cannot tell"

ADDON = made()
object.__setattr__(ADDON, "addon_inspect", None)
object.__setattr__(ADDON, "addon_drop_claim", None)
