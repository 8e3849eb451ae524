"""Names places at a service after sixteen characters of the app."""

from mutants.named import made

CAUGHT_BY = "names_that_look_alike_are_kept_apart[place]"
SAYS = "where 'sixteen-letters-1' was written"
CLIENT = "mutants.distant:Client"

ADDON = made(lambda instance: instance.app[:16])
