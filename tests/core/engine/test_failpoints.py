"""Fault points do nothing unless a test asks, and then what it asks for."""

from __future__ import annotations

import pytest

from addonkit.engine import failpoints
from addonkit.engine.failpoints import ENVIRONMENT, InjectedFault, failpoint


async def test_a_point_nobody_asked_for_does_nothing() -> None:
    await failpoint("before:step")


async def test_an_action_acts_at_its_point_only_and_only_in_its_block() -> None:
    passed: list[str] = []

    with failpoints.at("before:step", lambda: passed.append("acted")):
        await failpoint("before:step")
        await failpoint("after:step")
    await failpoint("before:step")

    assert passed == ["acted"]


async def test_an_action_may_wait() -> None:
    passed: list[str] = []

    async def act() -> None:
        passed.append("waited")

    with failpoints.at("before:step", act):
        await failpoint("before:step")

    assert passed == ["waited"]


async def test_an_inner_action_takes_the_place_of_the_outer_one_for_a_while() -> None:
    passed: list[str] = []

    with failpoints.at("p", lambda: passed.append("outer")):
        with failpoints.at("p", lambda: passed.append("inner")):
            await failpoint("p")
        await failpoint("p")

    assert passed == ["inner", "outer"]


async def test_the_environment_asks_for_several_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "before:a=sleep:0,after:b=raise")

    await failpoint("before:a")
    await failpoint("after:a")
    with pytest.raises(InjectedFault, match="asked for at after:b"):
        await failpoint("after:b")


@pytest.mark.parametrize("what", ["explode", "", "sleep:soon"])
async def test_what_the_environment_cannot_mean_is_refused(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setenv(ENVIRONMENT, f"before:a={what}")

    with pytest.raises(ValueError):
        await failpoint("before:a")
