"""The store knows the addons that are installed, and those that instances still need."""

from __future__ import annotations

import pytest

from addonkit.controller.deletion import forget_instance
from addonkit.models.instance import AddonEntity, Instance
from addonkit.registry.registry import Registry
from addonkit.store.codec import Codec
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.testing.clock import FakeClock


@pytest.fixture
async def store():
    made = MemoryStore(Codec(Sealer(bytes(32))), FakeClock())
    yield made
    await made.close()


async def stored(store):
    return {each.name: each.value for each in await store.list(AddonEntity)}


async def test_each_healthy_addon_has_an_entity(installed, store):
    await installed("good-memo", "good-vault", "import-error").ensure_entities(store)
    entities = await stored(store)
    assert set(entities) == {"memo", "vault"}
    assert entities["memo"] == AddonEntity(
        name="memo",
        display_name="Memo",
        description="Notes to oneself",
        default_variant="small",
        default_version="17",
        locality="on_cluster",
        distribution="acme-memo",
        version="1.2.0",
        variants={"small": {"Pages": "1"}, "large": {}},
    )


async def test_an_entity_is_replaced_when_the_addon_changed_and_left_alone_otherwise(installed, store):
    old = AddonEntity("memo", display_name="Old", variants={"tiny": {}})
    await store.transact(lambda tx: tx.create("memo", old))
    await installed("good-memo").ensure_entities(store)
    await Registry.ensure_entities(installed("good-memo"), store)
    entity = await store.get(AddonEntity, "memo")
    assert entity is not None
    assert entity.value.display_name == "Memo"
    assert set(entity.value.variants) == {"small", "large"}
    assert entity.revision == 2


async def test_an_uninstalled_addon_goes_when_no_instance_needs_it(installed, store):
    def prepare(tx):
        tx.create("needed", AddonEntity("needed"))
        tx.create("unneeded", AddonEntity("unneeded"))
        tx.create("i1", Instance("i1", "needed-shop", "needed", "shop", "small"))

    await store.transact(prepare)
    await installed("good-memo").ensure_entities(store)
    assert set(await stored(store)) == {"memo", "needed"}


@pytest.mark.parametrize("case", ["import-error", "blocked", "rival-one rival-two", "needs-newer"])
async def test_an_addon_that_is_installed_but_not_usable_keeps_its_entity(installed, store, case):
    names = {"import-error": "absent", "blocked": "shunned", "rival-one rival-two": "twin", "needs-newer": "future"}
    entity = AddonEntity(names[case], display_name="As it was")
    await store.transact(lambda tx: tx.create(entity.name, entity))
    await installed(*case.split(), blocked=("shunned",)).ensure_entities(store)
    assert await stored(store) == {entity.name: entity}


async def test_an_addon_is_forgotten_with_its_last_instance(store):
    first, last = (Instance(id, f"{id}-shop", "memo", "shop", "small") for id in ("i1", "i2"))

    def prepare(tx):
        tx.create("memo", AddonEntity("memo"))
        for each in (first, last):
            tx.create(each.id, each)

    await store.transact(prepare)
    await store.transact(lambda tx: forget_instance(tx, first))
    assert set(await stored(store)) == {"memo"}
    await store.transact(lambda tx: forget_instance(tx, last))
    assert not await stored(store)
