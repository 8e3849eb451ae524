"""`rename` gives another name; what an app receives, and what an addon made, stay."""

from __future__ import annotations

import attrs
import pytest

import addonkit
from addonkit.errors import AddonkitError, AlreadyExists, Busy, InvalidName, UnknownApp, UnknownInstance
from addonkit.models.instance import Instance, Phase
from addonkit.store.interface import Transaction

SPECS = ("postgresql:shared", "valkey:shared", "valkey")


async def test_a_renamed_app_keeps_all_it_receives_and_can_be_used_changed_and_destroyed(kit: addonkit.Kit) -> None:
    for spec in SPECS:
        await kit.create(spec, app="shop", alias=spec.replace(":", "-"))
    await kit.create("postgresql:shared", app="blog")
    await kit.attach("blog-postgresql", "shop", alias="theirs")
    await kit.set_variables("shop", {"TOKEN": "secret"}, sensitive=True)
    before = (await kit.environment("shop")).values

    await kit.rename_app("shop", "store")

    assert (await kit.environment("store")).values == before
    with pytest.raises(UnknownApp):
        await kit.environment("shop")
    assert await kit.doctor() == ()
    assert (await kit.create("valkey", app="store", alias="valkey")).existed
    await kit.create("postgresql:shared", app="shop")
    assert await kit.detach("blog-postgresql", "store")
    for name in [view.instance.name for view in await kit.instances("store")]:
        await kit.destroy(name)
    await kit.unset_variables("store", ["TOKEN"])
    assert [app.name for app in await kit.apps()] == ["blog", "shop"]
    for name in ("blog-postgresql", "shop-postgresql"):
        await kit.destroy(name)


async def test_a_renamed_instance_keeps_its_variables_and_frees_its_name(kit: addonkit.Kit) -> None:
    await kit.create("valkey", app="shop")
    before = (await kit.environment("shop")).values

    assert await kit.rename("shop-valkey", "orders.queue") == "shop-valkey"

    assert (await kit.environment("shop")).values == before
    assert (await kit.show("valkey", "shop")).instance.name == "orders.queue"
    with pytest.raises(UnknownInstance):
        await kit.show("shop-valkey")
    await kit.create("valkey", app="shop", alias="cache")
    for new, error in (
        ("shop-cache", AlreadyExists),
        ("a b", InvalidName),
        ("", InvalidName),
        ("a" * 242, InvalidName),
    ):
        with pytest.raises(error):
            await kit.rename("orders.queue", new)
    for name in ("orders.queue", "shop-cache"):
        await kit.destroy(name)


@pytest.mark.parametrize("phase", [Phase.PROVISIONING, Phase.ERROR, Phase.DEPROVISIONING])
async def test_an_app_with_something_under_way_keeps_its_name(kit: addonkit.Kit, phase: Phase) -> None:
    await kit.create("valkey:shared", app="shop")

    await _set_phase(kit, phase)
    with pytest.raises(Busy, match=f"shop-valkey is {phase}"):
        await kit.rename_app("shop", "store")
    await _set_phase(kit, Phase.ACTIVE)
    for wrong in ("", "a b", "-a"):
        with pytest.raises(AddonkitError):
            await kit.rename_app("shop", wrong)
    await kit.destroy("shop-valkey")


async def _set_phase(kit: addonkit.Kit, phase: Phase) -> None:
    def decide(tx: Transaction) -> None:
        entity = tx.list(Instance).items[0]
        tx.put(entity, attrs.evolve(entity.value, phase=phase))

    await kit._store.transact(decide)
