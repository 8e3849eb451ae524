"""Names places at a service after the letters of the app alone."""

import re

from mutants.named import made

CAUGHT_BY = "names_that_look_alike_are_kept_apart[place]"
SAYS = "where 'my-app' was written"
CLIENT = "mutants.distant:Client"

ADDON = made(lambda instance: re.sub("[^a-z0-9]", "", instance.app.lower()))
