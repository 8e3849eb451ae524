"""Which cases of the kit `make test` leaves to `make test-all`."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import pytest

_EVERY: Final = 8
"""One in so many cases of a check that crashes or fails an addon at every step is quick enough to be run all day."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow all but a few of the steps at which our own addons are made to crash or fail."""
    checks = defaultdict(list)
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if "rig" in names and names & {"crash", "death", "failing"}:
            checks[item.nodeid.partition("[")[0]].append(item)
    for cases in checks.values():
        for number, item in enumerate(cases):
            if number % _EVERY:
                item.add_marker(pytest.mark.slow)
