"""`destroy --forget`: from every state, for every addon, nothing is removed and it is said what stays and where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import addonkit
from addonkit import (
    AddonDefinition,
    AddonkitError,
    BindResult,
    Conflict,
    Instance,
    InstanceFailed,
    Kit,
    ProvisionResult,
    Registry,
    Retry,
    Saga,
    Variable,
    VariantDefinition,
    hookimpl,
    step,
)
from addonkit.engine import compensation
from addonkit.testing.command import CommandLine
from addonkit_s3_remote.conformance import of_operator
from addonkit_s3_remote.local import local_service

BROKEN: set[str] = set()
"""Names of steps and hooks that fail now."""


def fail(name: str) -> None:
    if name in BROKEN:
        raise AddonkitError(f"doing {name}", "the service is gone")


@step(gives="place")
async def make_place(instance: Instance) -> str:
    """Make a place."""
    fail("make_place")
    return f"place-{instance.id}"


@make_place.undo
async def _() -> None:
    fail("undo")


@step(gives="result", undo=None)
async def build_result(place: str) -> ProvisionResult:
    """Build the result."""
    fail("build_result")
    return ProvisionResult((), {"place": place, "secret": addonkit.Secret("never shown")})


@step(gives="result", undo=None)
async def let_in() -> BindResult:
    """Let an app in."""
    fail("let_in")
    return BindResult((Variable("NOTE", "there"),), {"user": "reader"})


@step(undo=None)
async def put_out() -> None:
    """Put an app out."""
    fail("put_out")


@step(undo=None)
async def remove_place() -> None:
    """Remove the place."""
    fail("remove_place")


DEFINITION = AddonDefinition("note", "Note", "A note", "small", (VariantDefinition("small"),), variables=("NOTE",))


def hook(name: str, saga: Saga[Any]) -> Any:
    def answer() -> Saga[Any]:
        if name in BROKEN:
            raise RuntimeError("broken")
        return saga

    return hookimpl(answer)


ADDON = SimpleNamespace(
    addon_definition=hookimpl(lambda: DEFINITION),
    addon_provision=hook("provision", Saga[ProvisionResult]("note.provision", steps=(make_place, build_result))),
    addon_bind=hook("bind", Saga[BindResult]("note.bind", steps=(let_in,))),
    addon_unbind=hook("unbind", Saga[None]("note.unbind", steps=(put_out,))),
    addon_deprovision=hook("deprovision", Saga[None]("note.deprovision", steps=(remove_place,))),
)


@pytest.fixture(autouse=True)
def broken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What fails; nothing at first. An undo that fails is given up soon."""
    monkeypatch.setattr(compensation, "ROUNDS", Retry(attempts=1, first_delay=0.01))
    BROKEN.clear()
    return BROKEN


@pytest.fixture
async def notes(home: Path) -> AsyncIterator[Kit]:
    registry = Registry()
    registry.register(ADDON, "note")
    async with addonkit.open(home, registry=registry) as kit:
        yield kit


async def nothing_is_known(kit: Kit) -> None:
    assert await kit.instances() == ()
    assert await kit.executions(unfinished=True) == ()
    assert await kit.doctor() == ()
    with pytest.raises(addonkit.UnknownApp):
        await kit.environment("shop")


STATES = {
    "recorded": ({}, (), []),
    "half made": ({"build_result", "undo"}, ("create",), ["these steps made: make place", "place place-"]),
    "failed and undone": ({"build_result"}, ("create",), []),
    "active": (set(), ("create",), ["note: place place-", "credentials of shop: user reader"]),
    "not bound": ({"let_in"}, ("create",), ["note: place place-"]),
    "not unbound": ({"put_out"}, ("create", "destroy"), ["note: place place-", "credentials of shop: user reader"]),
    "not removed": ({"remove_place"}, ("create", "destroy"), ["note: place place-"]),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("addon", ["fails", "raises", "away"])
async def test_it_works_from_every_state_whatever_the_addon_does(
    notes: Kit, home: Path, broken: set[str], state: str, addon: str
) -> None:
    fails, calls, lines = STATES[state]
    broken |= set(fails)
    if not calls:
        await notes.create("note", "shop", wait=False)
    for call in calls:
        with suppress(InstanceFailed):
            await (notes.create("note", "shop") if call == "create" else notes.destroy("shop-note"))
    broken |= {"remove_place", "put_out", "undo"} | ({"deprovision", "unbind"} if addon == "raises" else set())
    registry = Registry() if addon == "away" else notes.registry

    async with addonkit.open(home, registry=registry) as kit:
        planned = await kit.plan_forget("shop-note")
        stays = await kit.forget("shop-note")

    assert planned.stays == stays
    assert len(stays) == len(lines) or state == "half made"
    for line in lines:
        assert any(line in each for each in stays), stays
    assert "never shown" not in repr(stays)
    await nothing_is_known(notes)
    broken.clear()
    await notes.create("note", "shop")


async def test_a_policy_that_refuses_is_heard(home: Path) -> None:
    def refuse() -> Any:
        raise Conflict("cannot do that", "it is refused")
        yield

    registry = Registry()
    registry.register(ADDON, "note")
    policy = SimpleNamespace(addon_deprovision=hookimpl(wrapper=True)(refuse))
    registry.register_plugin(policy, "strict")
    async with addonkit.open(home, registry=registry) as kit:
        await kit.create("note", "shop")

        with pytest.raises(Conflict, match="it is refused"):
            await kit.forget("shop-note")

        assert (await kit.environment("shop")).as_dict() == {"NOTE": "there"}


async def test_servers_stay_and_the_doctor_removes_them(kit: Kit, home: Path) -> None:
    for spec, app in (("valkey:small", "one"), ("valkey:shared", "two"), ("valkey:shared", "three")):
        await kit.create(spec, app)
    async with addonkit.open(home, registry=Registry()) as without:
        alone, *logins = await without.forget("one-valkey")
        together, *more_logins = await without.forget("two-valkey")

    assert alone.startswith("server valkey-")
    assert "on the shared server valkey-" in together
    assert [each.partition(":")[0] for each in (*logins, *more_logins)] == ["credentials of one", "credentials of two"]
    findings = await kit.doctor()
    assert {finding.kind for finding in findings} == {"orphan-server", "orphan-claim"}
    await kit.fix(findings)
    assert await kit.doctor() == ()
    await kit.destroy("three-valkey")
    assert await kit.backend.pools_here() == await kit.backend.disks_here() == ()


def test_an_instance_whose_service_is_gone_is_forgotten(addonkit_command: CommandLine) -> None:
    with local_service() as settings:
        told = {f"ADDONKIT_S3_REMOTE_{name.upper()}": value for name, value in settings.items()}
        assert addonkit_command("create", "s3-remote", "-a", "shop", **told).status == 0
        (bucket,) = [each["Name"] for each in of_operator(settings).list_buckets()["Buckets"]]
    failed = addonkit_command("destroy", "shop-s3-remote", "--yes", **told)
    assert failed.status == 1
    assert "`addonkit destroy shop-s3-remote --forget` forgets it and leaves what it made" in failed.err
    assert "count the objects" not in failed.err, "a destroy that asks nothing counts nothing"

    planned = addonkit_command("destroy", "shop-s3-remote", "--forget", "--dry-run")
    asked = addonkit_command("destroy", "shop-s3-remote", "--forget")
    done = addonkit_command("destroy", "s3-remote", "-a", "shop", "--forget", "--yes", "--json")

    for line in (f"s3-remote: bucket {bucket}, endpoint {settings['endpoint']}", "credentials of shop: user addonkit-"):
        assert line in planned.out
        assert any(line in each for each in done.data["stays"])
    assert asked.status in {1, 2}
    assert (done.status, done.data["state"]) == (0, "forgotten")
    assert addonkit_command("doctor").status == 0
    assert addonkit_command("destroy", "x", "--forget", "--no-wait").status == 2
