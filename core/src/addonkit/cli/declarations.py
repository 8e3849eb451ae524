"""Reads what installed addons declare, for completion. An addon that cannot be loaded declares nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from addonkit.errors import AddonkitError
from addonkit.registry.discovery import ADDONS, BLOCK_VARIABLE, State, blocked_names, discover

if TYPE_CHECKING:
    from addonkit.models.definition import AddonDefinition


@cache
def installed_addons() -> tuple[str, ...]:
    """Return names of installed addons. Imports none of them."""
    entries = discover(blocked=_blocked())
    return tuple(each.name for each in entries if each.group == ADDONS and each.state is State.OK)


def definition_of(name: str) -> AddonDefinition | None:
    """Return what an addon says of itself; None for one that cannot be used. Imports that addon."""
    from addonkit.registry.registry import Registry

    with suppress(AddonkitError):
        return Registry.discover(blocked=_blocked()).get(name).definition
    return None


def _blocked() -> frozenset[str]:
    return blocked_names(os.environ.get(BLOCK_VARIABLE, ""))
