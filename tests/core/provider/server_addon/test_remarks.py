"""A step tells how far it is while it works, and at its end."""

from __future__ import annotations

import asyncio

import pytest

from addonkit.provider.server_addon import remarks
from addonkit.provider.server_addon.remarks import remarks as remarking


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remarks, "_INTERVAL", 0.001)


async def test_a_text_is_shown_again_and_again_and_at_the_end() -> None:
    told: list[str] = []
    async with remarking(told.append, lambda: f"{len(told)} told"):
        while len(told) < 3:
            await asyncio.sleep(0.001)
        during = len(told)

    assert told == [f"{number} told" for number in range(during + 1)]


async def test_what_has_to_be_found_out_is_awaited() -> None:
    told: list[str] = []

    async def text() -> str:
        await asyncio.sleep(0)
        return "found"

    async with remarking(told.append, text):
        pass

    assert told == ["found"]


async def test_what_is_over_at_once_may_need_no_remark() -> None:
    told: list[str] = []
    async with remarking(told.append, lambda: "done", at_end=False):
        pass

    assert told == []


async def test_nothing_is_told_of_what_fails() -> None:
    told: list[str] = []
    with pytest.raises(ValueError, match="no"):
        async with remarking(told.append, lambda: "done"):
            raise ValueError("no")

    assert told == []
