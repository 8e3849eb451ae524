"""Checks that secrets which were lost are made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.models.lost_secrets import LOST, LostSecrets
from addonkit.models.views import Finding

if TYPE_CHECKING:
    from addonkit.store.interface import Store


async def check_lost_secrets(store: Store) -> list[Finding]:
    """Return a finding while instances have credentials that were lost with the key of the home."""
    if await store.get(LostSecrets, LOST) is None:
        return []
    problem = "its key was lost, and not all instances have new credentials; run `addonkit rotate --lost`"
    return [Finding("lost-secrets", "home", problem)]
