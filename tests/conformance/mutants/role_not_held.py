"""Offers a role and gives every app the same rights."""

from mutants.rotates import made

CAUGHT_BY = "an_app_that_reads_only_changes_nothing[place]"
SAYS = "an app with the role read-only changes a value"
CLIENT = "mutants.distant:Client"

ADDON = made(roles={"owner": "everything", "read-only": "reads"})
