"""What all tests share."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SUITES = ("conformance", "store", "store_feed", "store_machine")
pytest.register_assert_rewrite(*(f"addonkit.testing.{name}" for name in SUITES))  # they show what they compared

from addonkit.compute.process.templates import SETTING  # noqa: E402 - after the rewriting is registered
from addonkit.testing.home import temporary_home  # noqa: E402 - after the rewriting is registered

settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


_IGNORED = "TESTS_IGNORE_SIGNALS"


def _let_children_be_interrupted() -> None:
    """Give processes that tests start the default signal handling, also below `nohup` and in the background of a script.

    An ignored signal stays ignored in every child; a handled one does not. So this process handles what it ignored, by
    doing nothing. Workers of pytest-xdist learn from the environment what that is.
    """
    numbers = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)
    ignored = {each.name for each in numbers if signal.getsignal(each) is signal.SIG_IGN}
    ignored |= set(os.environ.get(_IGNORED, "").split())
    os.environ[_IGNORED] = " ".join(sorted(ignored))
    for name in ignored:
        signal.signal(signal.Signals[name], lambda *_: None)


_let_children_be_interrupted()


_LONG = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, those with a time limit of their own: workers then end together."""
    _leave_cases(items)
    items.sort(key=_is_short)


def _leave_cases(items: list[pytest.Item]) -> None:
    """Mark cases as slow that a test's mark `all_day` does not name."""
    unnamed: dict[str, set[str]] = {}
    for item in items:
        mark = item.get_closest_marker("all_day")
        if mark is None:
            continue
        test, _, case = item.nodeid.removesuffix("]").partition("[")
        if case in mark.args:
            unnamed.setdefault(test, set(mark.args)).discard(case)
        else:
            unnamed.setdefault(test, set(mark.args))
            item.add_marker(pytest.mark.slow)
    wrong = {test: names for test, names in unnamed.items() if names}
    if wrong and not any("[" in each for each in items[0].config.args):  # else single cases were asked for
        raise pytest.UsageError(f"mark all_day names cases that there are not: {wrong}")


def _is_short(item: pytest.Item) -> bool:
    limit = item.get_closest_marker("timeout")
    return limit is None or limit.args[0] < _LONG


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not among the tests themselves: 5,000 of them take a tenth of the time else."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt in this process, whatever it inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def nothing_in_the_trash() -> Iterator[None]:
    """What a test destroys is gone at once, unless it says otherwise: most of them make nothing worth keeping."""
    os.environ["ADDONKIT_TRASH"] = "0"
    yield
    del os.environ["ADDONKIT_TRASH"]


@pytest.fixture(autouse=True, scope="session")
def shared_templates() -> Iterator[None]:
    """Homes of all tests, in all workers, share prepared clusters: most of them live for a second."""
    if SETTING in os.environ:  # of the process that started this worker
        yield
        return
    with temporary_home() as path:
        os.environ[SETTING] = str(path)
        yield
        del os.environ[SETTING]


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home; servers started below it end with the test."""
    with temporary_home() as path:
        yield path


@pytest.fixture(scope="session")
def of_machine() -> Callable[[str], str]:
    """Path of a program that Debian has in a package of the same name.

    On a machine without it the test is skipped, with one line that says how to get it; in CI, which installs it, the test
    fails.
    """

    def of_machine(program: str) -> str:
        found = shutil.which(program)
        if found is None:
            reason = f"{program} is not installed; get it with: apt-get install {program}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        return found

    return of_machine


@pytest.fixture(scope="session")
def chromium(of_machine: Callable[[str], str]) -> str:
    """Path of the browser: Debian's Chromium, or the Chrome of a machine that has it."""
    return shutil.which("google-chrome") or of_machine("chromium")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Builds a project's wheel and installs it into a folder of its own, which is the answer."""
    folders: dict[Path, Path] = {}

    def install(project: Path) -> Path:
        if project not in folders:
            folder = tmp_path_factory.mktemp(project.name)
            options = ["--quiet", "--offline", "--no-deps", "--no-build-isolation", "--target", str(folder)]
            uv = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
            subprocess.run([*uv, *options, str(project)], check=True)
            folders[project] = folder
        return folders[project]

    return install
