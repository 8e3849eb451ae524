"""Tests of the guest book on a real PostgreSQL; each begins with an empty book."""

from collections.abc import AsyncIterator

import guestbook
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from addonkit.testing import AddonFixture, FreshAddon


@pytest.fixture
def database(addon: AddonFixture) -> FreshAddon:
    """Give each test an empty book that DATABASE_URL leads to. The tables are made once, each test has a copy."""
    return addon("postgresql", prepare=guestbook.migrate)


@pytest_asyncio.fixture
async def client(database: FreshAddon) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(guestbook.make_app())) as client:
        yield client


async def entries(client: TestClient) -> list[dict[str, str]]:
    return await (await client.get("/")).json()


async def test_a_new_book_is_empty(client: TestClient) -> None:
    assert await entries(client) == []


@pytest.mark.parametrize("name", ["Ada", "Robert'); DROP TABLE entries;--", "☃"])
async def test_a_guest_signs(client: TestClient, name: str) -> None:
    answer = await client.post("/", json={"name": name, "text": "lovely"})

    assert answer.status == 201
    assert await entries(client) == [{"name": name, "text": "lovely"}]


async def test_a_guest_has_a_name(client: TestClient) -> None:
    answer = await client.post("/", json={"name": "", "text": "lovely"})

    assert answer.status == 400
    assert await entries(client) == []


async def test_guests_are_shown_in_the_order_they_came(client: TestClient) -> None:
    for name in ("Grace", "Ada"):
        await client.post("/", json={"name": name, "text": "hello"})

    assert [entry["name"] for entry in await entries(client)] == ["Grace", "Ada"]


async def test_migrating_again_keeps_the_entries(client: TestClient, database: FreshAddon) -> None:
    await client.post("/", json={"name": "Ada", "text": "hello"})

    await guestbook.migrate(database.environ)

    assert len(await entries(client)) == 1
