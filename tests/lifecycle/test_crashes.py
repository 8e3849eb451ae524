"""The command line is killed at every step, interrupted, run many times at once: nothing is lost or left."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from addonkit.saga.saga import Saga
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind
from addonkit_postgresql.addon import ADDON


def points(saga: Saga[object]) -> list[str]:
    return [f"journal:{name}" for name in saga.step_names]


# Before and after each step is the conformance kit's affair (tests/conformance); this is when the journal has it.
WHILE_CREATING = points(ADDON.sagas.servers.ensure)
WHILE_DESTROYING = points(ADDON.sagas.servers.remove)


def two_quick(points: list[str]) -> list[Any]:
    """The points, all but two of them slow."""
    return [pytest.param(point, marks=[pytest.mark.slow] if n > 1 else []) for n, point in enumerate(points)]


def answers(command: CommandLine, app: str) -> object:
    environ = {
        entry["key"]: entry["value"] for entry in command("env", "-a", app, "--reveal", "--json").data["variables"]
    }

    async def ask() -> object:
        connection = await asyncpg.connect(environ["DATABASE_URL"], timeout=10)
        try:
            return await connection.fetchval("SELECT 41 + 1")
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("point", two_quick(WHILE_CREATING))
def test_killed_while_creating_it_goes_on_or_leaves_nothing(
    addonkit_command: CommandLine, home: Path, point: str
) -> None:
    killed = addonkit_command("create", "postgresql:shared", "-a", "shop", ADDONKIT_FAULT=f"{point}=kill")
    assert killed.status == -signal.SIGKILL, f"{point} was not reached: {killed.err}"

    if WHILE_CREATING.index(point) % 2:
        again = addonkit_command("create", "postgresql:shared", "-a", "shop")
        assert again.status == 0, again.err
        assert answers(addonkit_command, "shop") == 42
        assert len(list(home.glob("pools/*"))) == 1, "one server was made"
    gone = addonkit_command("destroy", "shop-postgresql", "--yes")

    assert gone.status == 0, gone.err
    assert left_behind(home) == ()
    assert addonkit_command("doctor").status == 0


@pytest.mark.parametrize("point", two_quick(WHILE_DESTROYING))
def test_killed_while_destroying_the_next_one_ends_it(addonkit_command: CommandLine, home: Path, point: str) -> None:
    assert addonkit_command("create", "postgresql:shared", "-a", "shop").status == 0
    killed = addonkit_command("destroy", "shop-postgresql", "--yes", ADDONKIT_FAULT=f"{point}=kill")
    assert killed.status == -signal.SIGKILL, f"{point} was not reached: {killed.err}"

    gone = addonkit_command("destroy", "shop-postgresql", "--yes")

    assert gone.status == 0, gone.err
    assert left_behind(home) == ()


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.3, 0.5, 0.7, 0.9, 1.2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_at_any_moment_it_can_be_continued_or_undone(
    addonkit_command: CommandLine, home: Path, moment: float, number: int
) -> None:
    process = addonkit_command.start("create", "postgresql", "-a", "shop")
    time.sleep(moment)  # the moment is the point: it is not waited for anything
    process.send_signal(number)
    _out, err = process.communicate(timeout=60)
    assert process.returncode in {0, 130, -number}, err

    again = addonkit_command("create", "postgresql", "-a", "shop")
    assert again.status == 0 or "already has postgresql" in again.err, again.err
    assert answers(addonkit_command, "shop") == 42
    assert addonkit_command("destroy", "shop-postgresql", "--yes").status == 0
    assert left_behind(home) == ()


def test_an_interrupted_create_is_undone_by_destroy(addonkit_command: CommandLine, home: Path) -> None:
    process = addonkit_command.start(
        "create", "postgresql", "-a", "shop", ADDONKIT_FAULT="after:create_tenant=sleep:30"
    )
    while not list(home.glob("pools/*/record")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "run the same command again to continue" in err
    assert "Traceback" not in err
    assert addonkit_command("destroy", "shop-postgresql", "--yes").status == 0
    assert left_behind(home) == ()


@pytest.mark.all_day("before:wait_for_pool")
@pytest.mark.parametrize("point", ["after:create_tenant", "before:wait_for_pool", "after:create_pool"])
def test_destroying_stops_a_create_that_another_command_is_at(
    addonkit_command: CommandLine, home: Path, point: str
) -> None:
    creating = addonkit_command.start("create", "postgresql", "-a", "shop", ADDONKIT_FAULT=f"{point}=sleep:55")
    while not list(home.glob("pools/*/record")):
        time.sleep(0.02)

    began = time.monotonic()
    gone = addonkit_command("destroy", "shop-postgresql", "--yes")
    assert time.monotonic() - began < 25, "it is not waited until the step ends"
    _out, err = creating.communicate(timeout=60)

    assert gone.status == 0, gone.err
    assert creating.returncode == 1, err
    assert left_behind(home) == ()


@pytest.mark.slow
def test_many_command_lines_at_once_do_not_fight(addonkit_command: CommandLine, home: Path) -> None:
    specs = ["postgresql:shared", "postgresql:shared", "postgresql", "valkey:shared", "valkey:shared", "postgresql"]
    creating = [addonkit_command.start("create", spec, "-a", f"app{n}") for n, spec in enumerate(specs)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in creating]
    assert [status for _output, status in ended] == [0] * len(specs), ended

    ports = [path.name for path in home.glob("ports/[0-9]*")]
    assert len(ports) == len(set(ports)) == 4, "two servers of their own, one shared one of each kind"
    names = [each["name"] for each in instances(addonkit_command)]
    destroying = [addonkit_command.start("destroy", name, "--yes") for name in names]
    ended = [(process.communicate(timeout=60), process.returncode) for process in destroying]
    assert [status for _output, status in ended] == [0] * len(specs), ended
    assert left_behind(home) == ()


def test_two_that_create_the_same_thing_at_once_make_one(addonkit_command: CommandLine, home: Path) -> None:
    both = [addonkit_command.start("create", "postgresql", "-a", "shop") for _ in range(2)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in both]

    assert 0 in [status for _output, status in ended], ended
    assert len(instances(addonkit_command)) == 1
    assert len(list(home.glob("pools/*"))) == 1
    assert addonkit_command("destroy", "shop-postgresql", "--yes").status == 0


def instances(command: CommandLine) -> list[dict[str, str]]:
    data = command("list", "--json").data
    return list(data["instances"] if isinstance(data, dict) else data)
