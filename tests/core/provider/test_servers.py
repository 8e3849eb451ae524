"""Who lives on which server: joined and left in one transaction each, counted, never stored."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import UnknownInstance
from addonkit.models.instance import Instance, Server, ServerPhase
from addonkit.models.secret import Secret
from addonkit.provider.servers import Servers, _free_claim
from addonkit.store.codec import Codec
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.util.clock import SystemClock

KEY = "shared:postgres:18"


@pytest.fixture
async def store() -> MemoryStore:
    return MemoryStore(Codec(Sealer(bytes(32))), SystemClock())


async def an_instance(store: MemoryStore, id: str) -> Instance:
    instance = Instance(id, f"{id}-postgresql", "postgresql", id, "shared")
    await store.transact(lambda tx: tx.create(id, instance))
    return instance


async def test_two_tenants_of_one_key_share_a_server_made_by_the_first(store: MemoryStore) -> None:
    servers = Servers(store)
    one, two = await an_instance(store, "one"), await an_instance(store, "two")

    first = await servers.join(one, key=KEY, attributes={"admin": Secret("a" * 32)})
    second = await servers.join(two, key=KEY, attributes={"admin": Secret("b" * 32)})

    assert first.server_id == second.server_id
    server = await servers.get(first.server_id)
    assert server is not None
    assert server.attributes["admin"] == Secret("a" * 32)
    assert [tenant.id for tenant in await servers.tenants(server.id)] == ["one", "two"]


async def test_another_key_is_another_server(store: MemoryStore) -> None:
    servers = Servers(store)

    first = await servers.join(await an_instance(store, "one"), key="shared:postgres:15")
    second = await servers.join(await an_instance(store, "two"), key="shared:postgres:18")

    assert first.server_id != second.server_id


async def test_joining_again_finds_the_same_place(store: MemoryStore) -> None:
    servers = Servers(store)
    one = await an_instance(store, "one")

    assert await servers.join(one, key=KEY, claim="shop") == await servers.join(one, key=KEY, claim="other")


async def test_only_the_last_one_to_leave_closes_the_door(store: MemoryStore) -> None:
    servers = Servers(store)
    one, two = await an_instance(store, "one"), await an_instance(store, "two")
    server_id = (await servers.join(one, key=KEY)).server_id
    await servers.join(two, key=KEY)

    assert not (await servers.leave(one, server_id)).last
    assert (await servers.leave(two, server_id)).last
    assert (await servers.leave(two, server_id)).last, "leaving is safe to repeat"
    server = await servers.get(server_id)
    assert server is not None
    assert server.phase is ServerPhase.REMOVING
    await servers.forget(server_id)
    assert (await servers.leave(two, server_id)).last, "whoever was to end the removal may have been interrupted"


async def test_nobody_joins_a_server_that_is_being_removed(store: MemoryStore) -> None:
    servers = Servers(store)
    one, two = await an_instance(store, "one"), await an_instance(store, "two")
    old = (await servers.join(one, key=KEY)).server_id
    await servers.leave(one, old)

    assert (await servers.join(two, key=KEY)).server_id != old


async def test_a_server_made_again_never_has_the_name_of_the_old_one(store: MemoryStore) -> None:
    servers = Servers(store)
    one = await an_instance(store, "one")
    old = (await servers.join(one, key="one")).server_id
    await servers.leave(one, old)

    assert (await servers.join(one, key="one")).server_id != old


async def test_activating_does_not_revive_a_server_that_is_being_removed(store: MemoryStore) -> None:
    servers = Servers(store)
    one = await an_instance(store, "one")
    server_id = (await servers.join(one, key=KEY)).server_id
    await servers.leave(one, server_id)

    await servers.activate(server_id)

    entity = await store.get(Server, server_id)
    assert entity is not None
    assert entity.value.phase is ServerPhase.REMOVING


async def test_who_is_gone_gets_no_place(store: MemoryStore) -> None:
    ghost = Instance("ghost", "ghost", "postgresql", "shop", "small")

    with pytest.raises(UnknownInstance, match="ghost"):
        await Servers(store).join(ghost, key=KEY)


async def test_a_taken_or_reserved_claim_gets_a_suffix_of_the_id(store: MemoryStore) -> None:
    servers = Servers(store)
    claims = []
    for id, wanted in (("aaaaaaaaaa", "my_app"), ("bbbbbbbbbb", "my_app"), ("cccccccccc", "postgres")):
        tenancy = await servers.join(await an_instance(store, id), key=KEY, claim=wanted, reserved={"postgres"})
        claims.append(tenancy.claim)

    assert claims == ["my_app", "my_app_bbbbbb", "postgres_cccccc"]


async def test_a_place_given_back_frees_its_claim(store: MemoryStore) -> None:
    servers = Servers(store)
    one, two, three = [await an_instance(store, id) for id in ("one", "two", "three")]
    server_id = (await servers.join(one, key=KEY, claim="shop")).server_id
    await servers.join(two, key=KEY, claim="blog")
    await servers.leave(one, server_id)

    assert (await servers.join(three, key=KEY, claim="shop")).claim == "shop"


@given(wanted=st.text("abc_", min_size=1, max_size=80), taken=st.sets(st.text("abc_", min_size=1, max_size=8)))
def test_a_claim_is_free_and_never_too_long(wanted: str, taken: set[str]) -> None:
    claim = _free_claim(wanted, "k3x9abcdef", taken, (), 63)

    assert claim not in taken
    assert 0 < len(claim) <= 63


async def test_the_tenants_are_those_that_refer_to_it(store: MemoryStore) -> None:
    servers = Servers(store)
    one = await an_instance(store, "one")
    server_id = (await servers.join(one, key=KEY)).server_id

    def forget(tx: object) -> None:
        tx.delete(Instance, "one")  # type: ignore[attr-defined]

    await store.transact(forget)

    assert await servers.tenants(server_id) == ()
    assert (await servers.leave(attrs.evolve(one, server=server_id), server_id)).last
