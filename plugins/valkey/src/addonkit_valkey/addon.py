"""The addon: its parts put together. Imports no driver: what needs one is imported when a step runs."""

from __future__ import annotations

from typing import Final

from addonkit import ServerAddon
from addonkit_valkey.definition import DEFINITION, PORT
from addonkit_valkey.server import container, program, reset_program
from addonkit_valkey.tenants import UserTenants
from addonkit_valkey.variables import variables

ADDON: Final = ServerAddon(
    definition=DEFINITION,
    port=PORT,
    program=program,
    reset_admin=reset_program,
    container=container,
    tenants=UserTenants(),
    variables=variables,
)
