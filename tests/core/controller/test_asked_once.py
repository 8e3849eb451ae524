"""One create asks the addon once for the saga that makes an instance; a later attempt asks again."""

from __future__ import annotations

from typing import Any

import pytest

import addonkit
from addonkit.errors import InstanceFailed
from addonkit.hookspecs import hookimpl


class Counting:
    """A policy that refuses nothing and remembers about which instances addons were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @hookimpl(wrapper=True)
    def addon_provision(self, instance: addonkit.Instance) -> Any:
        self.asked.append(instance.id)
        return (yield)


async def test_one_create_asks_once_about_the_instance_that_it_makes(kit: Any) -> None:
    policy = Counting()
    kit.registry.register_plugin(policy, "counting")

    binding = await kit.create("attic", app="shop")

    assert policy.asked == [binding.instance.id]


async def test_another_attempt_asks_again(kit: Any, attic: Any) -> None:
    policy = Counting()
    kit.registry.register_plugin(policy, "counting")
    attic.failing = {"make"}
    with pytest.raises(InstanceFailed):
        await kit.create("attic", app="shop")
    attic.failing = set()

    await kit.retry("shop-attic")

    assert len(policy.asked) == 2
    assert len(set(policy.asked)) == 1


async def test_an_answer_about_another_name_is_asked_for_again(kit: Any) -> None:
    policy = Counting()
    await kit.create("attic", app="shop-attic", alias="x")
    kit.registry.register_plugin(policy, "counting")

    binding = await kit.create("attic", app="shop", alias="attic-x")

    assert binding.instance.name == "shop-attic-x-2"
    assert policy.asked == [binding.instance.id] * 2
