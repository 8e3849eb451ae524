"""A run of the kit outside of an author's own tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final
from unittest.mock import patch

from addonkit.testing.conformance.parallel import run_alone, run_side_by_side
from addonkit.testing.conformance.report import Check

_TESTS = """\
from pathlib import Path
from addonkit.testing import AddonConformance


class TestAddon(AddonConformance):
    addon = {addon!r}
    lock = Path({lock!r})
"""


def find_lock(addon: str, folder: Path) -> Path:
    """Return where the shapes of an addon's sagas are kept: beside its own tests, else in the folder itself."""
    here, in_tests = (place / f"{addon}.sagas.json" for place in (folder, folder / "tests"))
    return in_tests if in_tests.exists() and not here.exists() else here


MOST_JOBS: Final = 8
"""Checks that run side by side unless more are asked for: each has servers of its own."""

QUICK: Final = " and ".join(
    f"not {name}"
    for name in (
        "a_crash_at_any_point_is_recovered_from",
        "a_step_that_fails_leaves_nothing",
        "a_killed_backup_leaves_nothing",
        "many_come_and_go_at_once",
        "names_that_look_alike_are_kept_apart",
        "a_second_create_makes_nothing",
    )
)
"""Chooses the checks of a quick run: all but those that begin anew at every step, or with a crowd."""


def default_jobs() -> int:
    """Return how many checks run side by side when the user does not say: three for each core."""
    return min(3 * (os.cpu_count() or 1), MOST_JOBS)


def run(
    addon: str,
    lock: Path,
    chosen: str,
    tell: Callable[[Check], object],
    *,
    begin: Callable[[str], object] = lambda _: None,
    quick: bool = False,
    jobs: int = 1,
    first_failure: bool = False,
) -> list[Check]:
    """Run the checks of an addon.

    Args:
        addon: its name.
        lock: file with the shapes of its sagas.
        chosen: as pytest's `-k`; empty means all.
        tell: called with each check as it ends.
        begin: called with a line about each check as it begins.
        quick: leave out what begins anew at every step, or with a crowd.
        jobs: how many run side by side, each in a process of its own; one runs in this process.
        first_failure: begin no further check after one that failed.
    """
    words = " and ".join(f"({each})" for each in (chosen, QUICK if quick else "") if each)
    with tempfile.TemporaryDirectory(prefix="addonkit-conformance-") as folder:
        tests = Path(folder) / "test_conformance.py"
        tests.write_text(_TESTS.format(addon=addon, lock=str(lock)), encoding="utf-8")
        # Nothing of the surroundings counts: no settings, no plugins of other tests, nothing left behind.
        unwanted = [word for plugin in ("cacheprovider", "terminal") for word in ("-p", f"no:{plugin}")]
        options = ["-c", os.devnull, "--rootdir", folder, *unwanted]
        with patch.dict(os.environ, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}):
            for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
                os.environ.pop(name, None)
            options += [*(["-k", words] if words else []), str(tests)]
            if jobs == 1:
                return run_alone(options, tell, begin, first_failure=first_failure)
            return run_side_by_side(options, jobs, tell, begin, first_failure=first_failure)
