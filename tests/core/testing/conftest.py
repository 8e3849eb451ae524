"""Projects of app developers, tested by a pytest of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import attrs
import psutil
import pytest

_CONFTEST = """
import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from addonkit.testing import pytest_plugin

HERE = Path(__file__).parent


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.stash[pytest_plugin._home] = Path(os.environ["HOME_OF_SESSION"])


def note(file, text):
    # One write, so that lines of several processes do not mix.
    with (HERE / file).open("a") as opened:
        opened.write(f"{text}\\n")


async def query(url, *statements):
    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetchval(each) for each in statements][-1]
    finally:
        await connection.close()


async def make_tables(environ):
    note("prepared", environ["PGDATABASE"])
    await query(environ["DATABASE_URL"], "CREATE TABLE visits (who text)", "INSERT INTO visits VALUES ('first')")


@pytest.fixture
def database(addon):
    given = addon("postgresql", prepare=make_tables)
    note("urls", given.url)
    return given
"""

_UNUSED = ("no:cacheprovider", "no:hypothesispytest")
_OPTIONS = (
    *(word for plugin in _UNUSED for word in ("-p", plugin)),
    "-W",
    "error",
    "-o",
    "asyncio_default_fixture_loop_scope=function",
)


@attrs.frozen
class Ended:
    """How a pytest ended: its status, and what it printed."""

    status: int
    output: str


@attrs.frozen
class Project:
    """A directory with tests, and a home for what they use. `make_tables`, `query`, `note` are of its conftest.

    Attributes:
        directory: of the tests.
        home: of the session; it is not there before and after.
    """

    directory: Path
    home: Path

    def write(self, text: str, name: str = "test_app.py") -> None:
        body = "import asyncio, os, signal\nimport pytest\nfrom conftest import make_tables, note, query\n"
        (self.directory / name).write_text(body + textwrap.dedent(text))

    def noted(self, file: str) -> list[str]:
        path = self.directory / file
        return path.read_text().splitlines() if path.exists() else []

    def start(self, *options: str, **environ: str) -> subprocess.Popen[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ADDONKIT_", "PYTEST_", "COV_"))}
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *_OPTIONS, *options],
            cwd=self.directory,
            env={**kept, "HOME_OF_SESSION": str(self.home), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *options: str, **environ: str) -> Ended:
        with self.start(*options, **environ) as process:
            return self.ended(process)

    def ended(self, process: subprocess.Popen[str]) -> Ended:
        try:
            output, _ = process.communicate(timeout=120)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Ended(process.returncode, output)

    def wait_for(self, file: str) -> list[str]:
        """Lines of a file that a test is about to write."""
        ending = time.monotonic() + 60
        while not (lines := self.noted(file)):
            assert time.monotonic() < ending, f"nothing was written to {file}"
            time.sleep(0.02)
        return lines

    def expect_nothing(self, *, but: Path | None = None) -> None:
        """Check that neither processes nor files of the session are left, within the time a janitor takes."""
        ending = time.monotonic() + 30
        expected = [] if but is None else [str(but)]
        while (left := self._left()) != expected and time.monotonic() < ending:
            time.sleep(0.05)
        assert left == expected

    def _left(self) -> list[str]:
        found = [str(self.home)] if self.home.exists() else []
        for process in psutil.process_iter():
            try:
                words = (process.cwd(), *process.cmdline())
            except psutil.Error:
                continue
            if any(str(self.home) in word for word in words):
                found.append(f"{process.pid}: {' '.join(words)}")
        return found


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Project:
    """An empty project."""
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    return Project(tmp_path, home / "session")
