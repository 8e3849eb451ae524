"""The addon's sagas, ended at every point: what was begun goes on, or nothing of it is left."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

import addonkit
from addonkit import Busy, InstanceFailed, ProviderFramework, Retry
from addonkit.compute.process.identity import is_running, send
from addonkit.compute.process.record import read_record
from addonkit.engine import compensation
from addonkit.engine.failpoints import InjectedFault, at
from addonkit.provider.server_addon.admin_access import cleanup_tenant
from addonkit.testing.home import left_behind
from addonkit_postgresql import admin
from addonkit_postgresql.addon import ADDON


class Crash(BaseException):
    """Ends everything, as a crash does: nothing of ours catches it."""


def crash() -> None:
    raise Crash


def fail() -> None:
    raise InjectedFault("asked for")


@asynccontextmanager
async def crashing(home: Path, point: str, failing: str = "nowhere") -> AsyncIterator[addonkit.Kit]:
    """A kit that ends with a crash at that point, after a failure at the other one."""
    with pytest.raises(Crash):
        async with addonkit.open(home) as kit:
            with at(point, crash), at(failing, fail):
                yield kit


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def names_on(url: str) -> set[str]:
    """Databases and roles of the server, without its own."""
    query = "SELECT array(SELECT {0} FROM {1} WHERE {0} !~ '^(pg_|postgres$|template|resident[.])')"
    found = [await ask(url, query.format(*each)) for each in (("datname", "pg_database"), ("rolname", "pg_roles"))]
    return {str(name) for names in found for name in names}  # type: ignore[attr-defined]


def framework_of(kit: addonkit.Kit) -> ProviderFramework:
    return kit._pools._framework


@pytest.fixture
async def resident(home: Path) -> str:
    """URL of an app that lives on the shared server all the time."""
    async with addonkit.open(home) as kit:
        return (await kit.create("postgresql:shared", app="resident")).url


async def test_a_create_that_crashed_between_role_and_database_goes_on(
    home: Path, resident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(admin, "_create_database", dies)
        async with crashing(home, "nowhere") as kit:
            await kit.create("postgresql:shared", app="guest")

    async with addonkit.open(home) as kit:
        assert (await kit.retry("guest-postgresql")).instance.phase == "active"
        await kit.destroy("guest-postgresql")
    assert await names_on(resident) == {"resident"}


def killing(home: Path, after: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    """An action that kills every server, then does something else."""

    async def action() -> None:
        for path in home.glob("pools/*/record"):
            record = read_record(path)
            assert record is not None
            send(record.server, signal.SIGQUIT)
            while is_running(record.server):
                await asyncio.sleep(0.01)
        after()

    return action


async def test_a_server_of_its_own_that_died_meanwhile_is_undone(home: Path) -> None:
    async with addonkit.open(home) as kit:
        for step in ("create_tenant", "build_result"):
            with at(f"before:{step}", killing(home, fail)), pytest.raises(InstanceFailed):
                await kit.create("postgresql:small", app=f"shop-{step}".replace("_", "-"))

            assert left_behind(home) == (), step
        assert {finding.kind for finding in await kit.doctor()} == {"failed"}


async def test_nothing_is_dropped_from_a_server_that_goes_as_a_whole(home: Path) -> None:
    async def never(_administrator: object) -> None:
        raise AssertionError("the server need not be asked")

    async with addonkit.open(home) as kit:
        await kit.create("postgresql:small", app="shop")
        instance = (await kit.show("shop-postgresql")).instance

        await cleanup_tenant(framework_of(kit), instance, instance.server, never)
        await cleanup_tenant(framework_of(kit), instance, "postgresql-gone", never)


async def test_a_shared_server_that_died_meanwhile_is_started_to_undo(home: Path, resident: str) -> None:
    async with addonkit.open(home) as kit:
        with at("before:build_result", killing(home, fail)), pytest.raises(InstanceFailed):
            await kit.create("postgresql:shared", app="guest")

        assert await names_on(resident) == {"resident"}


async def test_a_shared_server_that_died_meanwhile_is_started_for_who_joins(home: Path, resident: str) -> None:
    async with addonkit.open(home) as kit:
        with at("before:ensure_server", killing(home, lambda: None)):
            binding = await kit.create("postgresql:shared", app="guest")

        assert await ask(binding.url, "SELECT 1") == 1
        assert await ask(resident, "SELECT 1") == 1


async def test_a_shared_server_that_died_meanwhile_is_started_for_who_leaves(home: Path, resident: str) -> None:
    async with addonkit.open(home) as kit:
        await kit.create("postgresql:shared", app="guest")
        with at("before:remove_tenant", killing(home, lambda: None)):
            await kit.destroy("guest-postgresql")

        assert await names_on(resident) == {"resident"}


async def ruin(home: Path) -> None:
    """Kill all servers and damage their disks for good."""
    await killing(home, lambda: None)()
    for control in home.glob("disks/*/**/pg_control"):
        shutil.copy(control, control.with_name("saved"))
        control.unlink()


async def test_a_server_that_will_never_run_again_can_be_destroyed(home: Path) -> None:
    async with addonkit.open(home) as kit:
        for variant in ("small", "shared"):
            await kit.create(f"postgresql:{variant}", app="shop")
            await ruin(home)

            await kit.destroy("shop-postgresql")

            assert left_behind(home) == (), variant


async def test_nobody_leaves_data_on_a_broken_server_while_others_stay(home: Path, resident: str) -> None:
    async with addonkit.open(home) as kit:
        await kit.create("postgresql:shared", app="guest")
        await ruin(home)

        with pytest.raises(InstanceFailed, match="pg_control"):
            await kit.destroy("guest-postgresql")
        await kit.destroy("resident-postgresql")
        await kit.destroy("guest-postgresql")

        assert left_behind(home) == ()
        assert await kit.instances() == ()


async def test_a_claim_that_an_instance_has_taken_meanwhile_is_not_dropped(home: Path, resident: str) -> None:
    async with addonkit.open(home) as kit:
        server = (await kit.show("resident-postgresql")).instance.server
        drop_claim = ADDON.sagas.drop_claim.steps[0]

        with pytest.raises(Busy):
            await drop_claim.run(framework=framework_of(kit), progress=print, server_id=server, claim="resident")

    assert await ask(resident, "SELECT 1") == 1


async def test_a_removal_that_failed_is_done_by_the_next_destroy(home: Path) -> None:
    async with addonkit.open(home) as kit:
        await kit.create("postgresql:small", app="shop")
        with at("after:delete_pool", fail), pytest.raises(InstanceFailed):
            await kit.destroy("shop-postgresql")
        assert [finding.kind for finding in await kit.doctor()] != [], "nothing is forgotten"

        await kit.destroy("shop-postgresql")

        assert left_behind(home) == ()
        assert await kit.doctor() == ()


async def test_a_server_that_all_have_left_is_removed_by_the_next_command(home: Path) -> None:
    async with crashing(home, "after:join_server") as kit:
        await kit.create("postgresql:small", app="shop")
    async with crashing(home, "before:stop_making") as kit:
        await kit.destroy("shop-postgresql")

    async with addonkit.open(home) as kit:
        await kit.destroy("shop-postgresql")

        assert left_behind(home) == ()
        assert await kit.doctor() == ()


async def test_a_server_whose_making_cannot_be_undone_is_removed_by_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compensation, "ROUNDS", Retry(attempts=2, first_delay=0))
    async with addonkit.open(home) as kit:
        with at("after:create_pool", fail), at("undo:create_disk", fail), pytest.raises(InstanceFailed):
            await kit.create("postgresql:small", app="shop")

        assert left_behind(home) == ()
        await kit.destroy("shop-postgresql")
        (finding,) = await kit.doctor()
        assert (finding.kind, finding.fix) == ("stranded-execution", "give it up")
        await kit.fix([finding])
        assert await kit.doctor() == ()
