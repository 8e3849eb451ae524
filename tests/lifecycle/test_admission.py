"""What a policy refuses has not begun: nothing of it is stored, and no app lost anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

import addonkit
from addonkit import (
    AddonDefinition,
    Association,
    BindResult,
    Conflict,
    InvalidInput,
    Kit,
    ProvisionResult,
    Registry,
    Saga,
    Variable,
    VariantDefinition,
    hookimpl,
    step,
)
from addonkit.errors import AddonBroken

HOOKS = ("addon_provision", "addon_bind", "addon_unbind", "addon_deprovision", "addon_configure")


@step(gives="result", undo=None)
async def provide() -> ProvisionResult:
    """Provide nothing."""
    return ProvisionResult()


@step(gives="result", undo=None)
async def let_in() -> BindResult:
    """Let an app in."""
    return BindResult((Variable("NOTE", "there"),))


@step(undo=None)
async def do_nothing() -> None:
    """Do nothing."""


DEFINITION = AddonDefinition("note", "Note", "A note", "small", (VariantDefinition("small"),), variables=("NOTE",))
ADDON = SimpleNamespace(
    addon_definition=hookimpl(lambda: DEFINITION),
    addon_provision=hookimpl(lambda: Saga[ProvisionResult]("note.provision", steps=(provide,))),
    addon_bind=hookimpl(lambda: Saga[BindResult]("note.bind", steps=(let_in,))),
    addon_unbind=hookimpl(lambda: Saga[None]("note.unbind", steps=(do_nothing,))),
    addon_deprovision=hookimpl(lambda: Saga[None]("note.deprovision", steps=(do_nothing,))),
)


class Policy:
    """Refuses the hooks that are in `refused`."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        for name in HOOKS:
            setattr(self, name, hookimpl(wrapper=True)(self._wrapper(name)))

    def _wrapper(self, name: str) -> Any:
        def wrapper() -> Generator[None, Saga[Any], Saga[Any]]:
            if name in self.refused:
                raise Conflict("cannot do that", f"{name} is refused")
            return (yield)

        return wrapper


@pytest.fixture
def policy() -> Policy:
    return Policy()


@pytest.fixture
async def kit(home: Path, policy: Policy) -> AsyncIterator[Kit]:
    registry = Registry()
    registry.register(ADDON, "note")
    registry.register_plugin(policy, "strict")
    async with addonkit.open(home, registry=registry) as kit:
        yield kit


async def state(kit: Kit) -> Any:
    """Everything a user can see of instances and apps."""
    views = await kit.instances()
    apps = {tie.app for view in views for tie in view.associations}
    return views, [await kit.environment(app) for app in sorted(apps)], await kit.executions()


async def test_a_refused_create_is_not_stored(kit: Kit, policy: Policy) -> None:
    for hook in ("addon_provision", "addon_bind"):
        policy.refused = {hook}
        with pytest.raises(Conflict, match=f"{hook} is refused"):
            await kit.create("note", "shop")
        assert await kit.instances() == ()


@pytest.mark.parametrize("hook", ["addon_unbind", "addon_deprovision"])
async def test_a_refused_destroy_takes_nothing_from_the_app(kit: Kit, policy: Policy, hook: str) -> None:
    await kit.create("note", "shop")
    before = await state(kit)
    policy.refused = {hook}

    with pytest.raises(Conflict, match=f"{hook} is refused"):
        await kit.destroy("shop-note")

    assert await state(kit) == before
    policy.refused = set()
    await kit.destroy("shop-note")
    assert await kit.instances() == ()


async def test_a_refused_attach_is_not_stored(kit: Kit, policy: Policy) -> None:
    await kit.create("note", "shop")
    before = await state(kit)
    policy.refused = {"addon_bind"}

    with pytest.raises(Conflict, match="addon_bind is refused"):
        await kit.attach("shop-note", "blog")

    assert await state(kit) == before


class Observing:
    """Refuses the role owner, and notes the ties that it is asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, bool]] = []

    @hookimpl(wrapper=True)
    def addon_bind(self, association: Association) -> Generator[None, Saga[Any], Saga[Any]]:
        self.asked.append((association.app, association.alias, association.role, association.socket))
        if association.role == "owner":
            raise Conflict("cannot do that", "nobody else is an owner here")
        return (yield)


@pytest.fixture
async def roles(home: Path) -> AsyncIterator[tuple[Kit, Observing]]:
    registry, policy = Registry(), Observing()
    definition = attrs.evolve(DEFINITION, roles=("owner", "reader"))
    addon = SimpleNamespace(**vars(ADDON) | {"addon_definition": hookimpl(lambda: definition)})
    registry.register(addon, "note")
    registry.register_plugin(policy, "observing")
    async with addonkit.open(home, registry=registry) as kit:
        await kit.create("note", "shop")
        policy.asked.clear()
        yield kit, policy


async def test_a_policy_refuses_one_role_before_anything_is_stored(roles: tuple[Kit, Observing]) -> None:
    kit, policy = roles
    before = await state(kit)

    for refused in (kit.plan_attach, kit.attach):
        with pytest.raises(Conflict, match="nobody else is an owner here"):
            await refused("shop-note", "blog", role="owner")
        with pytest.raises(InvalidInput, match="note has no role 'writer'; use owner, reader"):
            await refused("shop-note", "blog", role="writer")

    assert await state(kit) == before
    assert set(policy.asked) == {("blog", "", "owner", False)}
    await kit.attach("shop-note", "blog", role="reader")


async def test_a_plan_asks_a_policy_what_the_operation_asks(roles: tuple[Kit, Observing]) -> None:
    kit, policy = roles
    words: dict[str, Any] = {"alias": "notes", "role": "reader"}

    await kit.plan_attach("shop-note", "blog", **words)
    planned = set(policy.asked)
    await kit.attach("shop-note", "blog", **words)

    assert set(policy.asked) == planned == {("blog", "notes", "reader", False)}


async def test_a_plan_of_a_create_knows_the_socket(home: Path) -> None:
    registry, policy = Registry(), Observing()
    definition = attrs.evolve(DEFINITION, sockets=True)
    registry.register(SimpleNamespace(**vars(ADDON) | {"addon_definition": hookimpl(lambda: definition)}), "note")
    registry.register_plugin(policy, "observing")
    async with addonkit.open(home, registry=registry) as kit:
        for create in (kit.plan_create, kit.create):
            policy.asked.clear()
            await create("note", "shop", socket=True)
            assert set(policy.asked) == {("shop", "", "", True)}


async def test_a_refused_detach_takes_nothing_from_the_app(kit: Kit, policy: Policy) -> None:
    await kit.create("note", "shop")
    await kit.attach("shop-note", "blog")
    before = await state(kit)
    policy.refused = {"addon_unbind"}

    with pytest.raises(Conflict, match="addon_unbind is refused"):
        await kit.detach("shop-note", "blog")

    assert await state(kit) == before


async def test_a_policy_guards_ties_of_an_addon_without_credentials_of_each(home: Path, policy: Policy) -> None:
    plain = {name: hook for name, hook in vars(ADDON).items() if "bind" not in name}
    registry = Registry()
    registry.register(SimpleNamespace(**plain), "note")
    registry.register_plugin(policy, "strict")
    async with addonkit.open(home, registry=registry) as kit:
        await kit.create("note", "shop")
        policy.refused = {"addon_bind"}
        with pytest.raises(Conflict, match="addon_bind is refused"):
            await kit.attach("shop-note", "blog")
        policy.refused = {"addon_unbind"}
        await kit.attach("shop-note", "blog")
        with pytest.raises(Conflict, match="addon_unbind is refused"):
            await kit.detach("shop-note", "blog")
        policy.refused = set()
        await kit.detach("shop-note", "blog")


@pytest.fixture
async def real(home: Path, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kit]:
    monkeypatch.setenv("ADDONKIT_TRASH", "1d")
    registry = Registry.discover()
    registry.register_plugin(policy, "strict")
    async with addonkit.open(home, registry=registry) as kit:
        await kit.create("valkey:small", "shop")
        await kit.backups.create("shop-valkey")
        yield kit


async def test_a_plan_that_moves_data_asks_what_the_operation_asks(real: Kit, policy: Policy, tmp_path: Path) -> None:
    file = str(tmp_path / "shop.tar.zst.age")
    await real.moves.export("shop-valkey", file)
    refused: dict[str, tuple[Callable[[], Awaitable[Any]], ...]] = {
        "clone": (
            lambda: real.moves.plan_clone("shop-valkey", "blog"),
            lambda: real.moves.clone("shop-valkey", "blog"),
        ),
        "restore": (lambda: real.backups.plan_restore("shop-valkey"), lambda: real.backups.restore("shop-valkey")),
        "restore into another": (
            lambda: real.backups.plan_restore("shop-valkey", into="other", app="wiki"),
            lambda: real.backups.restore("shop-valkey", into="other", app="wiki"),
        ),
        "import": (
            lambda: real.moves.plan_import("shop-valkey", file),
            lambda: real.moves.import_("shop-valkey", file),
        ),
        "change": (
            lambda: real.changes.plan_change("shop-valkey", "shared"),
            lambda: real.changes.change("shop-valkey", "shared"),
        ),
    }
    before = await real.instances(), await real.executions()

    for hook in ("addon_provision", "addon_bind"):
        policy.refused = {hook}
        for asked in refused.values():
            for operation in asked:
                with pytest.raises(Conflict, match=f"{hook} is refused"):
                    await operation()
    policy.refused = {"addon_configure"}
    for change in (real.options.plan, real.options.set):
        with pytest.raises(Conflict, match="addon_configure is refused"):
            await change("shop-valkey", {"maxmemory": "64mb"})

    assert (await real.instances(), await real.executions()) == before


async def test_a_plan_that_brings_data_back_asks_what_the_operation_asks(real: Kit, policy: Policy) -> None:
    await real.backups.restore("shop-valkey")
    policy.refused = {"addon_bind"}
    for rollback in (real.backups.plan_rollback, real.backups.rollback):
        with pytest.raises(Conflict, match="addon_bind is refused"):
            await rollback("shop-valkey")
    policy.refused = set()
    await real.destroy("shop-valkey")

    for hook in ("addon_provision", "addon_bind"):
        policy.refused = {hook}
        for undestroy in (real.trash.plan_undestroy, real.trash.undestroy):
            with pytest.raises(Conflict, match=f"{hook} is refused"):
                await undestroy("shop-valkey")

    policy.refused = set()
    assert (await real.trash.undestroy("shop-valkey")).name == "shop-valkey"


async def test_without_a_policy_that_does_not_load_nothing_goes_on(home: Path, tmp_path: Path) -> None:
    registry = Registry()
    registry.register(ADDON, "note")
    async with addonkit.open(home, registry=registry) as kit:
        await kit.create("note", "shop")
        await kit.attach("shop-note", "wiki")
        await kit.create("note", "blog", wait=False)
        unfinished = [each for each in await kit.doctor() if each.kind == "unfinished"]
        before = await state(kit)
    info = tmp_path / "acme_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[addonkit.plugins]\nacme-rules = nowhere_to_be_found\n")
    registry = Registry.discover([str(tmp_path)])
    registry.register(ADDON, "note")

    async with addonkit.open(home, registry=registry) as kit:
        for refused in (
            lambda: kit.create("note", "new"),
            lambda: kit.create("note", "blog"),
            lambda: kit.attach("shop-note", "new"),
            lambda: kit.detach("shop-note", "wiki"),
            lambda: kit.retry("blog-note"),
            lambda: kit.destroy("shop-note"),
            lambda: kit.fix(unfinished),
            lambda: kit.retry_execution(before[2][0].id),
        ):
            with pytest.raises(AddonBroken, match="cannot continue without plugin acme-rules"):
                await refused()
            assert await state(kit) == before


async def test_a_destroy_that_fails_says_what_failed(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    await kit.create("note", "shop")

    async def fail() -> None:
        raise ValueError("it does not answer")

    monkeypatch.setattr(do_nothing, "run", fail)
    with pytest.raises(addonkit.InstanceFailed, match="it does not answer"):
        await kit.destroy("shop-note")


async def test_a_retry_of_a_tie_that_fails_says_so(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> BindResult:
        raise ValueError("it does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(let_in, "run", fail)
        for again in (lambda: kit.create("note", "shop"), lambda: kit.retry("shop-note")):
            with pytest.raises(addonkit.InstanceFailed, match="it does not answer"):
                await again()

    assert (await kit.retry("shop-note")).instance.phase == "active"
    assert (await kit.environment("shop")).as_dict() == {"NOTE": "there"}
