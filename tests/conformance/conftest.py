"""Which cases of the kit `make test` leaves to `make test-all`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
_ALL_DAY_AT_STEPS: Final = ("[shared-create]", "[prefix-create]")
"""Ends of those cases of a check that crashes or fails an addon at every step which are run all day."""

_LONG: Final = (
    *("test_names_that_look_alike_are_kept_apart", "test_many_come_and_go_at_once"),
    *("test_a_graceful_stop", "test_data_live_on", "test_nothing_is_written_elsewhere", "test_its_server_opens"),
    *("test_data_come_back", "test_a_fingerprint_tells", "test_a_killed_backup", "test_a_copy_has_all"),
    *("test_variables_say_the_same", "test_steps_leave_the_loop_free", "test_an_app_sees_no_name_of_another"),
    "test_an_instance_moves_to_another_variant",
)
"""Checks of many instances, and those that try each addon in the same way; Valkey's servers are quick enough for them."""

_OF_ALL_DAY: Final = {
    "TestValkey": ("small", "shared"),
    "TestPostgreSQL": ("shared", "small"),
    "TestS3": ("bucket", "prefix"),
}
"""Variants with which checks are run all day, in turn: where one addon has a server of its own, another shares one."""

_SHARED: Final = frozenset({"shared", "prefix"})
_OF_NEIGHBOURS: Final = (
    *("test_many_come", "test_names_that_look", "test_neighbours", "test_a_claim", "test_credentials_open"),
    *("test_an_app_sees", "test_a_login_ends", "test_sessions_end"),
)
"""Checks of apps that meet on a server: they prove next to nothing where each has its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow all but one variant of each check, and all but one of the sagas in which it crashes or fails."""
    checks = defaultdict(list)
    for item in (each for each in items if each.path.is_relative_to(HERE)):
        names = set(getattr(item, "fixturenames", ()))
        name = item.nodeid.partition("[")[0]
        if "rig" in names and names & {"crash", "failing"}:
            _leave([] if item.name.endswith(_ALL_DAY_AT_STEPS) else [item])
        elif "variant" in names:
            checks[name].append(item)
        if item.name.startswith(_LONG) and "valkey" not in item.nodeid:
            item.add_marker(pytest.mark.slow)
    turns: defaultdict[str, int] = defaultdict(int)
    for name, cases in checks.items():
        _, addon, check = name.rsplit("::", 2)
        if check.startswith(_OF_NEIGHBOURS):
            (kept,) = _SHARED.intersection(_OF_ALL_DAY[addon])
        else:
            kept = _OF_ALL_DAY[addon][turns[addon] % 2]
            turns[addon] += 1
        _leave([each for each in cases if not each.name.endswith(f"[{kept}]")])


def _leave(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.slow)
