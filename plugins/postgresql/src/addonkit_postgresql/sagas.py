"""All sagas of the addon, in one place."""

from __future__ import annotations

from addonkit_postgresql.deprovision import DEPROVISION
from addonkit_postgresql.inventory import DROP_CLAIM, INSPECT
from addonkit_postgresql.provision import PROVISION
from addonkit_postgresql.server import SERVER

__all__ = ["DEPROVISION", "DROP_CLAIM", "INSPECT", "PROVISION", "SERVER"]
