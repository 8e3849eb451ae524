"""Has one login for each app, whatever its generation: revoking the former one revokes the new one."""

from mutants.rotates import made

CAUGHT_BY = "rotation_replaces_credentials[place]"
SAYS = "an app cannot read with its variables (with its new credentials)"
CLIENT = "mutants.distant:Client"

ADDON = made(lambda place, association: f"{place}+{association.id}")
