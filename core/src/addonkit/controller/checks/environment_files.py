"""Checks files that are to hold the variables of apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.controller.environment_files import is_current
from addonkit.models.app import EnvironmentFile
from addonkit.models.views import Finding

if TYPE_CHECKING:
    from addonkit.store.interface import Store


async def check_environment_files(store: Store) -> list[Finding]:
    """Return a finding for each file that does not hold what its app has."""
    files = [entity.value for entity in await store.list(EnvironmentFile)]
    return [_finding(each) for each in files if not await is_current(store, each)]


def _finding(file: EnvironmentFile) -> Finding:
    forget = f"fix that, or run `addonkit env outputs --forget {file.path}`"
    why = f": {file.problem}" if file.problem else ""
    return Finding("outdated-file", file.path, f"it does not hold the variables of {file.app}{why}; {forget}")
