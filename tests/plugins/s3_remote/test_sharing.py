"""What takes long to make is lent again, not for too long, and closed with its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from addonkit_s3_remote import sharing
from addonkit_s3_remote.sharing import shared


class Made(AbstractAsyncContextManager[int]):
    """A number that is open until it is closed; no generator, which its event loop would close by itself."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._number = 0

    async def __aenter__(self) -> int:
        """Open it."""
        self._maker.made += 1
        self._number = self._maker.made
        await asyncio.sleep(0)
        self._maker.open.add(self._number)
        return self._number

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        self._maker.open.discard(self._number)


class Maker:
    """Makes numbers."""

    def __init__(self) -> None:
        self.made = 0
        self.open: set[int] = set()

    def make(self) -> Made:
        """Make the next one."""
        return Made(self)


def test_what_is_lent_is_closed_with_its_loop() -> None:
    maker = Maker()

    async def use() -> int:
        async with shared("key", maker.make) as number:
            await asyncio.sleep(0.01)
            return number

    async def use_often() -> None:
        assert await asyncio.gather(use(), use()) == [1, 1]
        assert await use() == 1
        async with shared("another", maker.make) as another:
            assert another == 2
        assert maker.open == {1, 2}

    asyncio.run(use_often())
    assert maker.open == set()
    asyncio.run(use_often_again(maker))
    assert maker.open == set()


async def use_often_again(maker: Maker) -> None:
    async with shared("key", maker.make) as number:
        assert number == 3


def test_what_failed_to_be_made_is_made_again() -> None:
    maker = Maker()

    @asynccontextmanager
    async def refuse() -> AsyncIterator[int]:
        raise ValueError("not now")
        yield 0

    async def use() -> None:
        with pytest.raises(ValueError, match="not now"):
            async with shared("key", refuse):
                pytest.fail("nothing is lent")
        async with shared("key", maker.make) as number:
            assert number == 1

    asyncio.run(use())


def test_what_is_old_is_lent_no_more_and_closed_after_its_last_user(monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker()
    monkeypatch.setattr(sharing, "LONGEST", 0)

    async def use() -> None:
        async with shared("key", maker.make) as first, shared("key", maker.make) as second:
            assert (first, second) == (1, 2)
            assert maker.open == {1, 2}
        assert maker.open == {2}, "it is lent until the next one is asked for"
        async with shared("another", maker.make) as third:
            assert third == 3
            assert maker.open == {3}

    asyncio.run(use())
    assert maker.open == set()
