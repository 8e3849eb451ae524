"""Its client names what is refused alone: an attempt that fails for any reason would prove nothing."""

from collections.abc import Mapping

from mutants import depot

CAUGHT_BY = "an_app_may_do_what_it_should_and_no_more[small]"
SAYS = "the client names no action that is allowed, or none that is refused"
CLIENT = "mutants.rights_of_one_kind:Client"

ADDON = depot.made()


class Client(depot.Client):
    """An app whose author is sure of one thing only."""

    def rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        return {"list users": False}
