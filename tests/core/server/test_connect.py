"""A home that another process serves, used as one of this process; the command line too."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import addonkit
from addonkit.client import transport
from addonkit.client.backups import RemoteBackups
from addonkit.client.options import RemoteExtensions, RemoteOptions
from addonkit.client.remote import RemoteKit
from addonkit.client.tokens import RemoteTokens
from addonkit.client.trash import RemoteTrash
from addonkit.errors import AddonkitError, InstanceFailed, InvalidInput, TransientError, UnknownAddon, UnknownInstance
from addonkit.kit.backups import Backups
from addonkit.kit.extensions import InstanceExtensions
from addonkit.kit.kit import Kit
from addonkit.kit.options import InstanceOptions
from addonkit.kit.tokens import Tokens
from addonkit.kit.trash import Trash
from addonkit.models.instance import Phase

from .chest import Chest
from .conftest import SECRET, Served, Shelf, served


async def test_everything_of_every_day(api: Served, home: Path) -> None:
    events: list[str] = []
    url = f"unix:{home / 'api.sock'}"
    async with addonkit.connect(url, on_event=lambda event: events.append(event.message)) as kit:
        binding = await kit.create("shelf", "shop")
        assert (binding.new_app, binding.instance.name, binding.instance.phase) == (True, "shop-shelf", Phase.ACTIVE)
        assert SECRET in binding.url
        assert binding.environ() == (await kit.environment("shop")).values
        assert events[:2] == ["make", "make"]
        assert [app.name for app in await kit.apps()] == ["shop"]
        (view,) = await kit.instances("shop")
        assert view == await kit.show("shelf", "shop")
        there = await api.kit.show("shop-shelf")
        assert await kit.vitals(view) == await api.kit.vitals(there)
        assert (view.instance.id, view.associations[0].id) == (there.instance.id, there.associations[0].id)
        assert await kit.attach("shop-shelf", "blog")
        assert await kit.detach("shelf", "blog") == ("SHELF_URL", "SHELF_SIZE")
        assert (await kit.set_variables("shop", {"SHELF_SIZE": "1"}))[0].new == "SHELF_SHELF_URL"
        assert await kit.unset_variables("shop", ["SHELF_SIZE"])
        assert await kit.rename("shop-shelf", "books") == "shop-shelf"
        assert (await kit.plan_destroy("books")).lost
        await kit.destroy("books")
        assert await kit.count() == 0


PAIRS = (
    (RemoteKit, Kit),
    (RemoteOptions, InstanceOptions),
    (RemoteExtensions, InstanceExtensions),
    (RemoteBackups, Backups),
    (RemoteTrash, Trash),
    (RemoteTokens, Tokens),
)


@pytest.mark.parametrize(
    ("remote", "local", "name"),
    [
        (remote, local, name)
        for remote, local in PAIRS
        for name, kind in vars(remote).items()
        if callable(kind) and not name.startswith("_")
    ],
)
def test_methods_take_what_those_of_the_kit_take(remote: type, local: type, name: str) -> None:
    there, here = (inspect.signature(getattr(kind, name)).parameters for kind in (remote, local))
    assert list(there) == list(here), "a command uses either of them in the same way"


async def test_options_are_planned_and_changed(home: Path) -> None:
    chest = Chest()
    async with served(home, chest, addon="chest") as api, addonkit.connect(f"unix:{home / 'api.sock'}") as kit:
        made = (await kit.create("chest", "shop")).instance
        plan = await kit.options.plan("chest", {"colour": "blue"}, app="shop")
        assert plan == attrs.evolve(await api.kit.options.plan(made.name, {"colour": "blue"}), changes=plan.changes)
        assert [(each.name, each.former, each.value) for each in plan.changes] == [("colour", "red", "blue")]
        assert made.id not in chest.config, "nothing was changed"
        await kit.options.set("chest", {"colour": "blue"}, app="shop")
        assert chest.config[made.id] == "blue"
        listed = {each.name: each for each in await kit.options.list(made.name)}
        for there in await api.kit.options.list(made.name):
            here = listed[there.name]
            assert (here.value, here.former, here.chosen) == (there.value, there.former, there.chosen)
            assert here.definition.limits == there.definition.limits
        await kit.options.set(made.name, {}, reset=["colour"])
        assert chest.config[made.id] == "red"
        for values, words in (({"wood": "oak"}, "create"), ({"color": "blue"}, "no option color")):
            with pytest.raises(InvalidInput, match=words):
                await kit.options.plan(made.name, values)
            with pytest.raises(InvalidInput, match=words):
                await kit.options.set(made.name, values)
        for name, words in (("schedules", "'backup schedule' does not work"), ("shell", "'shell' does not work")):
            with pytest.raises(AddonkitError, match=words):
                getattr(kit, name)


async def test_an_operation_is_followed_while_the_service_is_started_anew(home: Path, shelf: Shelf) -> None:
    shelf.held = asyncio.Event()
    async with addonkit.connect(f"unix:{home / 'api.sock'}") as kit:
        async with served(home, shelf):
            making = asyncio.create_task(kit.create("shelf", "shop"))
            await shelf.entered.wait()
            await asyncio.sleep(0.1)
        shelf.held = None
        async with served(home, shelf):
            assert (await making).instance.phase is Phase.ACTIVE


async def test_an_operation_is_followed_while_a_proxy_finds_no_service(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "RECONNECT_EVERY", 0.01)
    away = [502, 503, 504]

    async def forward(request: web.Request) -> web.Response:
        if request.path.startswith("/v1/operations/") and away:
            return web.Response(status=away.pop(), text="<h1>Bad Gateway</h1>", content_type="text/html")
        url, body = f"http://localhost{request.path_qs}", await request.read()
        headers = {"Content-Type": "application/json"} if body else {}
        async with api.client.session.request(request.method, url, data=body, headers=headers) as answer:
            return web.Response(status=answer.status, body=await answer.read())

    proxy = web.Application()
    proxy.router.add_route("*", "/{path:.*}", forward)
    async with TestServer(proxy) as server, addonkit.connect(str(server.make_url(""))) as kit:
        assert (await kit.create("shelf", "shop")).instance.phase is Phase.ACTIVE
        assert not away
        away.append(502)
        with pytest.raises(TransientError, match="the answer has status 502"):
            await kit._transport.ask("GET", "/v1/operations/x")


async def test_errors_are_those_of_the_service(api: Served, home: Path, shelf: Shelf) -> None:
    async with addonkit.connect(f"unix:{home / 'api.sock'}") as kit:
        with pytest.raises(UnknownAddon, match="did you mean shelf"):
            await kit.create("shelff", "shop")
        with pytest.raises(UnknownInstance):
            await kit.show("none")
        shelf.broken = True
        with pytest.raises(InstanceFailed, match="the shelf broke"):
            await kit.create("shelf", "shop")
        assert [each.kind for each in await kit.doctor()] == ["failed"]
        with pytest.raises(AddonkitError, match="'doctor --fix' does not work through a service"):
            await kit.fix(())


async def test_a_service_that_is_not_there(tmp_path: Path) -> None:
    async with addonkit.connect(f"unix:{tmp_path / 'none'}") as kit:
        with pytest.raises(TransientError, match="cannot reach addonkit at unix:"):
            await kit.apps()
    with pytest.raises(InvalidInput, match="no URL of a service"):
        async with addonkit.connect("ftp://example.com"):
            pass
