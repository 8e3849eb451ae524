"""What ends a keeper: the state alone, with its own error."""

from __future__ import annotations

from pathlib import Path

import pytest

import addonkit
from addonkit.errors import StoreError, StoreUnavailable


async def test_a_state_that_cannot_be_used_ends_it_with_that_error(home: Path) -> None:
    async def fails() -> None:
        raise StoreUnavailable("reading the state", "it was replaced")

    async with addonkit.open(home) as kit:
        keeper = kit.keeper(lambda _said: None)
        keeper._fix, keeper._duties = fails, (fails, fails)  # several parts find it at the same time

        with pytest.raises(StoreError, match="it was replaced") as ended:
            await keeper.run()

    assert type(ended.value) is StoreUnavailable, "no group of errors: a command says it in one line"
