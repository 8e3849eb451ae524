"""Checks that servers and the state have room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from addonkit.models.sizes import describe_size
from addonkit.models.views import Finding

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend

FULL: Final = "full-disk"
"""Kind of a finding about a disk that is full, or nearly so."""

_SCARCE: Final = 0.05
"""Share of a disk below which people are warned: PostgreSQL needs room for its journal while it makes some."""
_AMPLE: Final = 10 * 1024**3
"""Bytes that are enough, however small a share of a large disk they are."""


async def check_disk_space(backend: Backend) -> list[Finding]:
    """Return a finding where less than a twentieth of the disk is free, and less than 10 GiB."""
    space = await backend.space()
    if space is None:
        return []
    advice = "free some: servers that cannot write end, and commands can change nothing"
    if space.free < min(space.size * _SCARCE, _AMPLE):
        left = f"{describe_size(space.free)} of {describe_size(space.size)} are free"
        return [Finding(FULL, space.path, f"{left} on its disk; {advice}")]
    if space.files_free < space.files * _SCARCE:
        left = f"{space.files_free} of {space.files} files are free"
        return [Finding(FULL, space.path, f"{left} on its disk; {advice}")]
    return []
