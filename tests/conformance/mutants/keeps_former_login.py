"""Makes new credentials, and leaves the former ones."""

from mutants.rotates import made

CAUGHT_BY = "rotation_replaces_credentials[place]"
SAYS = "the service lets former credentials in after they were revoked"
CLIENT = "mutants.distant:Client"

ADDON = made(revokes=False)
