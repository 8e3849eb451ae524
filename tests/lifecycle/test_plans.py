"""Plans and lists are true for the instance at hand, and look at each server once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import addonkit
from addonkit.models.views import Plan
from addonkit.testing.command import CommandLine


def titles(plan: Plan) -> list[str]:
    return [step.title for step in plan.steps]


async def test_a_server_that_others_use_is_neither_made_nor_removed_in_a_plan(kit: addonkit.Kit) -> None:
    first = titles(await kit.plan_create("valkey:shared", app="blog"))
    await kit.create("valkey:shared", app="blog")
    second = titles(await kit.plan_create("valkey:shared", app="wiki"))
    alone = titles(await kit.plan_destroy("blog-valkey"))
    await kit.create("valkey:shared", app="wiki")
    shared = titles(await kit.plan_destroy("blog-valkey"))

    assert "start the server" in first
    assert "start the server" not in second
    assert "stop the server" in alone
    assert "stop the server" not in shared
    assert "start the server" in titles(await kit.plan_create("valkey:small", app="wiki", alias="own"))


async def test_a_server_is_looked_at_once_however_many_live_on_it(
    kit: addonkit.Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for app in ("blog", "wiki", "shop"):
        await kit.create("valkey:shared", app=app)
    observe, looks = kit.backend.observe, []

    async def counted(pool: Any) -> Any:
        looks.append(pool.name)
        return await observe(pool)

    monkeypatch.setattr(kit.backend, "observe", counted)
    views = await kit.instances()

    assert [(view.server_state, view.tenants) for view in views] == [("running", 3)] * 3
    assert len(looks) == 1


async def test_what_was_interrupted_says_what_to_do(addonkit_command: CommandLine) -> None:
    addonkit_command("create", "valkey:shared", "-a", "shop", ADDONKIT_FAULT="after:create_tenant=kill")

    (shown,) = addonkit_command("list", "--json").data["instances"]
    assert shown["doing"] == "interrupted; run `addonkit retry shop-valkey` to continue"
    creating = addonkit_command.start("retry", "shop-valkey", ADDONKIT_FAULT="before:build_result=sleep:15")
    while "interrupted" in (shown := addonkit_command("show", "shop-valkey", "--json").data)["doing"]:
        await asyncio.sleep(0.1)

    assert shown["doing"].startswith("running: "), shown["doing"]
    creating.communicate(timeout=60)
