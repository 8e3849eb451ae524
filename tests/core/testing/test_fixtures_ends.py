"""However a test session ends, nothing of it is left: no server, no database, no directory, no process."""

from __future__ import annotations

import os
import signal
import time

import pytest

WAITS = """
import time

def test_waits(database):
    note("here", os.getpid())
    time.sleep(300)

def test_comes_later(database):
    pass
"""

PREPARES = """
import time

def prepare(environ):
    note("here", os.getpid())
    time.sleep(300)

def test_never_runs(addon):
    addon("postgresql", prepare=prepare)
"""

WORKERS = [(), ("-n", "2")]


@pytest.mark.slow
def test_a_failing_test(project):
    project.write("def test_fails(database): assert not database.url\n\ndef test_passes(database): pass")

    ended = project.run()

    assert ended.status == 1
    assert "1 failed, 1 passed" in ended.output
    project.expect_nothing()


@pytest.mark.slow
@pytest.mark.parametrize("options", WORKERS, ids=["one process", "two workers"])
@pytest.mark.parametrize("tests", [WAITS, PREPARES], ids=["in a test", "while it prepares"])
def test_a_terminals_interrupt(project, options, tests):
    project.write(tests)
    with project.start(*options) as process:
        project.wait_for("here")
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        ended = project.ended(process)

    assert ended.status == pytest.ExitCode.INTERRUPTED, ended.output
    assert "KeyboardInterrupt" in ended.output
    assert time.monotonic() - began < 60, "nobody waits for what was interrupted"
    project.expect_nothing()


@pytest.mark.slow
def test_an_impatient_user(project):
    project.write(WAITS)
    with project.start() as process:
        project.wait_for("here")
        while process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.1)
        process.stdout.close()

    project.expect_nothing()


def test_an_interrupt_while_a_server_is_made(project):
    project.write(WAITS)
    with project.start() as process:
        while not project.home.exists() or not list(project.home.glob("pools/*")):
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        ended = project.ended(process)

    assert ended.status == pytest.ExitCode.INTERRUPTED, ended.output
    assert "never" not in ended.output, "no task was left without its end"
    project.expect_nothing()


@pytest.mark.slow
@pytest.mark.parametrize(("options", "number"), [((), signal.SIGTERM), (("-n", "2"), signal.SIGKILL)])
def test_pytest_is_killed(project, options, number):
    project.write(WAITS)
    with project.start(*options) as process:
        project.wait_for("here")
        os.kill(process.pid, number)
        process.wait()
        assert process.returncode == -number
        process.stdout.close()

    project.expect_nothing()


@pytest.mark.slow
def test_a_worker_dies(project):
    project.write("""
        @pytest.fixture
        def database(addon):
            return addon("postgresql:shared", prepare=make_tables)

        def test_dies(database):
            os.kill(os.getpid(), signal.SIGKILL)

        @pytest.mark.parametrize("number", range(4))
        def test_goes_on(database, number):
            assert asyncio.run(query(database.url, "SELECT count(*) FROM visits")) == 1
    """)

    ended = project.run("-n", "2")

    assert "1 failed, 4 passed" in ended.output
    assert "has what is left" not in ended.output
    project.expect_nothing()


@pytest.mark.slow
def test_a_worker_dies_while_it_prepares(project):
    project.write("""
        async def prepare(environ):
            await make_tables(environ)
            if not os.path.exists("died"):
                note("died", "once")
                os.kill(os.getpid(), signal.SIGKILL)

        @pytest.mark.parametrize("number", range(4))
        def test_goes_on(addon, number):
            database = addon("postgresql", prepare=prepare)
            assert asyncio.run(query(database.url, "SELECT count(*) FROM visits")) == 1
    """)

    ended = project.run("-n", "2")

    assert "1 failed, 3 passed" in ended.output
    assert len(project.noted("prepared")) == 2, "what was prepared in part was prepared anew"
    project.expect_nothing()


def test_what_cannot_be_destroyed_is_told(project):
    project.write("def test_passes(database): pass")

    ended = project.run(ADDONKIT_FAULT="before:delete_pool=raise")

    assert ended.status == pytest.ExitCode.INTERNAL_ERROR, ended.output
    assert f"ADDONKIT_HOME={project.home} has what is left" in ended.output
    project.expect_nothing(but=project.home)
