"""The doctor warns of a disk that is full, or nearly so."""

from __future__ import annotations

import pytest

from addonkit.controller.checks.disk_space import check_disk_space
from addonkit.models.compute import DiskSpace

GIB = 1024**3


class Place:
    def __init__(self, space: DiskSpace | None) -> None:
        self._space = space

    async def space(self) -> DiskSpace | None:
        return self._space


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (None, ""),
        (DiskSpace("/home", 5 * GIB, 100 * GIB), ""),
        (DiskSpace("/home", 5 * GIB - 1, 100 * GIB), "5.0 GiB of 100.0 GiB are free on its disk"),
        (DiskSpace("/home", 0, 1 * GIB), "0 bytes of 1.0 GiB are free on its disk"),
        (DiskSpace("/home", 10 * GIB, 4000 * GIB), ""),
        (DiskSpace("/home", 10 * GIB - 1, 4000 * GIB), "10.0 GiB of 3.9 TiB are free on its disk"),
        (DiskSpace("/home", 50 * GIB, 100 * GIB, 4, 100), "4 of 100 files are free on its disk"),
        (DiskSpace("/home", 50 * GIB, 100 * GIB, 5, 100), ""),
        (DiskSpace("/home", 50 * GIB, 100 * GIB, 0, 0), ""),
    ],
)
async def test_less_than_a_twentieth_is_told_unless_that_is_much(space: DiskSpace | None, said: str) -> None:
    found = await check_disk_space(Place(space))

    assert [(each.kind, each.subject) for each in found] == ([("full-disk", "/home")] if said else [])
    assert all(each.problem.startswith(f"{said}; free some") for each in found)
