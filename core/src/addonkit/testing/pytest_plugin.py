"""The pytest plugin: real addons for the tests of an app. pytest loads it wherever addonkit is installed.

So it imports nothing and makes nothing before a test asks for a fixture of it; see docs/how-to/test-your-app.md.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from addonkit.testing.fixtures.session import AddonFixture, AddonSession

_INPUT = "addonkit"
"""What a worker of pytest-xdist receives: the home, and the process whose end is the session's."""

_ROOM = 2 * 1024**3
"""Bytes that memory must have free for a home to be there; containers often have few."""

_home = pytest.StashKey[Path]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist."""
    node.workerinput[_INPUT] = _place(node.config)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Destroy what is left, after all workers and fixtures have ended."""
    try:
        return (yield)
    finally:
        home = session.config.stash.get(_home, None)
        if home is not None and home.exists():
            _end(session, home)


@pytest.fixture(scope="session")
def _addon_session(pytestconfig: pytest.Config) -> Iterator[AddonSession]:
    from addonkit.testing.fixtures.session import open_session

    home, pid = _place(pytestconfig)
    worker = getattr(pytestconfig, "workerinput", {}).get("workerid", "main")
    with open_session(Path(home), worker, pid) as session:
        yield session


@pytest.fixture
def addon(_addon_session: AddonSession) -> Iterator[AddonFixture]:
    """Give the test an addon of its own, as a fresh database: `addon("postgresql", prepare=make_tables).url`."""
    from addonkit.testing.fixtures.session import giving

    with giving(_addon_session) as given:
        yield given


@pytest.fixture(scope="session")
def session_addon(_addon_session: AddonSession) -> Iterator[AddonFixture]:
    """As `addon`; what it gives is there until the end of the session, in this process."""
    from addonkit.testing.fixtures.session import giving

    with giving(_addon_session) as given:
        yield given


def _place(config: pytest.Config) -> tuple[str, int]:
    """Return the session's home and process, the same in all workers."""
    told: tuple[str, int] | None = getattr(config, "workerinput", {}).get(_INPUT)
    return told or (str(config.stash.setdefault(_home, _new_home())), os.getpid())


def _new_home() -> Path:
    """Return a path; nothing is made until a test needs it. On memory where there is enough."""
    memory = "/dev/shm"  # noqa: S108 - tests want it fast
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return Path(memory if roomy else tempfile.gettempdir(), f"addonkit-tests-{uuid.uuid4().hex}")


def _end(session: pytest.Session, home: Path) -> None:
    from addonkit.testing.fixtures.home import end_home

    faults = end_home(home)
    if not faults:
        return
    if session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        for fault in faults:
            reporter.write_line(f"addonkit: {fault}; ADDONKIT_HOME={home} has what is left", red=True)
