"""Every request of the Open Service Broker API in every situation: the status that the specification has for it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from addonkit.server.runner import OperationRunner

from .chest import Chest
from .conftest import Answer, Served, served
from .platforms import ASYNC, ORG, Platform, platform_of

I = "/service_instances/i"  # noqa: E741 - the id of the service instance
B = f"{I}/service_bindings/b"


@attrs.frozen
class World:
    """A broker, a platform and the addon."""

    chest: Chest
    cf: Platform
    served: Served

    async def ask(self, name: str) -> Answer:
        """Send a request by its name in the table."""
        ids, query = self.cf.ids(), self.cf.query
        service = {"service_id": ids["service_id"]}
        method, path, body = {
            "catalog": ("GET", "/catalog", None),
            "provision": ("PUT", f"{I}{ASYNC}", {**ids, **ORG}),
            "provision sync": ("PUT", I, {**ids, **ORG}),
            "provision other": ("PUT", f"{I}{ASYNC}", {**ids, **ORG, "parameters": {"colour": "blue"}}),
            "provision old": ("PUT", f"{I}{ASYNC}", {**ids, **ORG, "maintenance_info": {"version": "9.9.9"}}),
            "show": ("GET", I, None),
            "update": ("PATCH", f"{I}{ASYNC}", {**service, "parameters": {"colour": "blue"}}),
            "update other": ("PATCH", f"{I}{ASYNC}", {**service, "parameters": {"colour": "green"}}),
            "update sync": ("PATCH", I, {**service, "parameters": {"colour": "blue"}}),
            "update nothing": ("PATCH", I, {**service, "parameters": {}}),
            "update old": ("PATCH", f"{I}{ASYNC}", {**service, "maintenance_info": {"version": "9.9.9"}}),
            "update wood": ("PATCH", f"{I}{ASYNC}", {**service, "parameters": {"wood": "oak"}}),
            "update plan": ("PATCH", f"{I}{ASYNC}", self.cf.ids("wide")),
            "update plan to box": ("PATCH", f"{I}{ASYNC}", self.cf.ids("box")),
            "deprovision": ("DELETE", f"{I}?{query}&accepts_incomplete=true", None),
            "deprovision sync": ("DELETE", f"{I}?{query}", None),
            "last": ("GET", f"{I}/last_operation", None),
            "bind": ("PUT", B, ids),
            "bind async": ("PUT", f"{B}{ASYNC}", ids),
            "bind other": ("PUT", B, {**ids, "bind_resource": {"app_guid": "another"}}),
            "bind another plan": ("PUT", f"{B}2", self.cf.ids("wide")),
            "credentials": ("GET", B, None),
            "unbind": ("DELETE", f"{B}?{query}", None),
            "unbind async": ("DELETE", f"{B}?{query}&accepts_incomplete=true", None),
            "last bind": ("GET", f"{B}/last_operation", None),
        }[name]
        return await self.cf(method, path, body)

    async def expect(self, name: str, status: int, word: str = "", path: str = "") -> Answer:
        """Send a request and compare what comes; wait for its end when there is a path to ask."""
        answer = await self.ask(name)
        assert answer.status == status, f"{name}: {answer.status} {answer.text}"
        if status < 400:
            assert not word, name
        else:
            assert answer.data["description"], name
            assert answer.data.get("error", "") == word, f"{name}: {answer.text}"
        if path:
            await self.cf.ended(path)
        return answer

    async def hold(self, word: str, request: str) -> None:
        """Send a request that comes to a step that does not end."""
        self.chest.held = word
        await self.expect(request, 202)
        await self.chest.entered.wait()

    async def fail(self, word: str, request: str, path: str) -> None:
        """Send a request that fails."""
        self.chest.failing.add(word)
        await self.expect(request, 202, path=path)
        self.chest.failing.clear()

    async def states(self) -> list[str]:
        """What the platform hears of the last operations of the service instance and the binding."""
        found = [(await self.ask(each)) for each in ("last", "last bind")]
        return [each.data["state"] if each.status == 200 else str(each.status) for each in found]


@asynccontextmanager
async def world(home: Path, chest: Chest, former: Platform | None = None) -> AsyncIterator[World]:
    async with served(home, chest, addon="chest") as found:
        if former is not None:
            former.ask = found.client
        yield World(chest, former or await platform_of(found), found)
        chest.let_go()


@pytest.fixture
async def w(home: Path) -> AsyncIterator[World]:
    async with world(home, Chest()) as found:
        yield found


ROADS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "nothing": (),
    "provisioning": (("hold", "provision", "provision", I),),
    "provisioning failed": (("fail", "provision", "provision", I),),
    "provisioned": (("do", "", "provision", I),),
    "updating": (("do", "", "provision", I), ("hold", "configure", "update", I)),
    "updating failed": (("do", "", "provision", I), ("fail", "configure", "update", I)),
    "deprovisioning": (("do", "", "provision", I), ("hold", "deprovision", "deprovision", I)),
    "deprovisioning failed": (("do", "", "provision", I), ("fail", "deprovision", "deprovision", I)),
    "deprovisioned": (("do", "", "provision", I), ("do", "", "deprovision", I)),
    "binding": (("do", "", "provision", I), ("hold", "bind", "bind async", B)),
    "binding failed": (("do", "", "provision", I), ("fail", "bind", "bind async", B)),
    "bound": (("do", "", "provision", I), ("do", "", "bind async", B)),
    "unbinding": (("do", "", "provision", I), ("do", "", "bind async", B), ("hold", "unbind", "unbind async", B)),
    "unbinding failed": (
        ("do", "", "provision", I),
        ("do", "", "bind async", B),
        ("fail", "unbind", "unbind async", B),
    ),
    "unbound": (("do", "", "provision", I), ("do", "", "bind async", B), ("do", "", "unbind async", B)),
    "deprovisioned while bound": (
        ("do", "", "provision", I),
        ("do", "", "bind async", B),
        ("do", "", "deprovision", I),
    ),
    "destroyed by its operator": (("do", "", "provision", I), ("destroy", "", "", "")),
}
"""How a situation comes about: what happens, to which step of the addon, by which request, and what it is about."""


async def reach(w: World, situation: str) -> None:
    """Come to a situation."""
    for what, word, request, path in ROADS[situation]:
        if what == "hold":
            await w.hold(word, request)
        elif what == "fail":
            await w.fail(word, request, path)
        elif what == "do":
            await w.expect(request, 202, path=path)
        else:
            (each,) = (await w.served.client("GET", "/v1/instances")).data["items"]
            await w.served.client.settle(await w.served.client("DELETE", f"/v1/instances/{each['name']}"))


BUSY, ASYNCHRONOUS, MAINTENANCE = "ConcurrencyError", "AsyncRequired", "MaintenanceInfoConflict"

Row = tuple[str, int] | tuple[str, int, str]

SITUATIONS: dict[str, list[Row]] = {
    "nothing": [
        ("show", 404), ("last", 404), ("update", 404), ("update sync", 404), ("bind", 404), ("bind async", 404),
        ("credentials", 404), ("last bind", 404), ("unbind", 410), ("unbind async", 410), ("deprovision", 410),
        ("deprovision sync", 410), ("provision sync", 422, ASYNCHRONOUS), ("provision old", 422, MAINTENANCE),
        ("show", 404), ("provision", 202),
    ],
    "provisioning": [
        ("show", 404), ("provision", 202), ("provision sync", 422, ASYNCHRONOUS), ("provision other", 409),
        ("provision old", 422, MAINTENANCE), ("last", 200), ("update", 422, BUSY), ("bind", 422, BUSY),
        ("credentials", 404), ("unbind", 410), ("last bind", 404), ("deprovision sync", 422, ASYNCHRONOUS),
        ("deprovision", 202), ("provision", 422, BUSY), ("deprovision", 202),
    ],
    "provisioning failed": [
        ("show", 404), ("last", 200), ("update", 404), ("bind", 404), ("provision other", 409),
        ("provision sync", 422, ASYNCHRONOUS), ("deprovision sync", 422, ASYNCHRONOUS), ("provision", 202),
    ],
    "provisioned": [
        ("show", 200), ("last", 200), ("provision", 200), ("provision sync", 200), ("provision other", 409),
        ("provision old", 422, MAINTENANCE), ("update nothing", 200), ("update sync", 422, ASYNCHRONOUS),
        ("update old", 422, MAINTENANCE), ("update wood", 400), ("update plan to box", 422), ("bind another plan", 400),
        ("credentials", 404), ("last bind", 404), ("unbind", 410), ("deprovision sync", 422, ASYNCHRONOUS),
        ("show", 200), ("update", 202),
    ],
    "updating": [
        ("show", 422, BUSY), ("last", 200), ("update", 202), ("update sync", 202), ("update other", 422, BUSY),
        ("update plan", 422, BUSY), ("provision", 422, BUSY), ("bind", 422, BUSY), ("credentials", 404),
        ("unbind", 410), ("deprovision sync", 422, ASYNCHRONOUS),
    ],
    "updating failed": [
        ("show", 200), ("last", 200), ("provision", 200), ("provision other", 409), ("bind", 201), ("update", 202),
    ],
    "deprovisioning": [
        ("show", 404), ("last", 200), ("provision", 422, BUSY), ("update", 422, BUSY), ("bind", 422, BUSY),
        ("deprovision", 202), ("deprovision sync", 422, ASYNCHRONOUS),
    ],
    "deprovisioning failed": [
        ("show", 200), ("last", 200), ("provision", 409), ("update", 422), ("bind", 422),
        ("deprovision sync", 422, ASYNCHRONOUS), ("deprovision", 202),
    ],
    "deprovisioned": [
        ("show", 404), ("last", 200), ("update", 404), ("bind", 404), ("deprovision", 410), ("deprovision sync", 410),
        ("provision sync", 422, ASYNCHRONOUS), ("provision other", 202),
    ],
    "destroyed by its operator": [
        ("show", 404), ("update", 404), ("bind", 404), ("deprovision", 410), ("provision", 202),
    ],
    "binding": [
        ("credentials", 404), ("last bind", 200), ("bind async", 202), ("bind other", 409), ("unbind", 422, BUSY),
        ("unbind async", 422, BUSY), ("show", 200),
    ],
    "binding failed": [("credentials", 404), ("last bind", 200), ("bind other", 409), ("bind", 201)],
    "bound": [
        ("credentials", 200), ("last bind", 200), ("bind", 200), ("bind async", 200), ("bind other", 409),
        ("update nothing", 200), ("provision", 200), ("unbind async", 202),
    ],
    "unbinding": [
        ("credentials", 404), ("last bind", 200), ("unbind async", 202), ("bind", 422, BUSY), ("bind other", 422, BUSY),
    ],
    "unbinding failed": [("credentials", 404), ("last bind", 200), ("bind", 409), ("unbind", 200)],
    "unbound": [("credentials", 404), ("last bind", 200), ("unbind", 410), ("unbind async", 410), ("bind other", 201)],
    "deprovisioned while bound": [
        ("credentials", 404), ("unbind", 410), ("bind", 404), ("provision", 202),
    ],
}  # fmt: skip

STATES = {
    "provisioning": "in progress", "updating": "in progress", "deprovisioning": "in progress",
    "provisioning failed": "failed", "updating failed": "failed", "deprovisioning failed": "failed",
    "nothing": "404",
}  # fmt: skip
BOUND_STATES = {
    "binding": "in progress", "unbinding": "in progress", "binding failed": "failed", "unbinding failed": "failed",
    "bound": "succeeded", "unbound": "succeeded",
}  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_every_request_in_every_situation(w: World, situation: str) -> None:
    await reach(w, situation)
    heard = await w.states()
    assert heard[0] == STATES.get(situation, "succeeded")
    if situation != "deprovisioned while bound":
        assert heard[1] == BOUND_STATES.get(situation, "404")
    told = (await w.ask("last")).data
    if situation in {"updating failed", "deprovisioning failed"}:
        assert told["instance_usable"] is (situation == "updating failed")
    else:
        assert not {"instance_usable", "update_repeatable"} & {*told}
    for row in SITUATIONS[situation]:
        await w.expect(*row)
    w.chest.let_go()
    for path in (I, B):
        if (await w.cf("GET", f"{path}/last_operation")).status == 200:
            await w.cf.ended(path)
    assert len(w.chest.contents) <= 1, "one service instance is one instance"


async def test_removing_while_it_is_updated_removes_it(w: World) -> None:
    await reach(w, "updating")
    await w.expect("deprovision", 202)
    w.chest.let_go()
    assert await w.cf.ended(I) == {"state": "succeeded"}
    assert not w.chest.contents
    await w.expect("show", 404)


EVERY = ["catalog", "provision", "show", "update", "deprovision", "last", "bind", "credentials", "unbind", "last bind"]


async def test_every_request_checks_who_asks_the_version_and_the_identity_in_that_order(w: World) -> None:
    good = w.cf.credentials
    for name in EVERY:
        w.cf.credentials, w.cf.version = "", ""
        assert (await w.ask(name)).status == 401, name
        w.cf.credentials = "Basic " + base64.b64encode(b"cf:wrong").decode()
        assert (await w.ask(name)).status == 401, name
        w.cf.credentials = good
        for version in ("", "1.17", "3.0", "2", "two"):
            w.cf.version = version
            assert (await w.ask(name)).status == 412, (name, version)
        w.cf.version = "2.17"
    fine = base64.b64encode(b'{"user_id": "u-1"}').decode()
    w.cf.headers = {"X-Broker-API-Originating-Identity": "cloudfoundry nothing"}
    for name in EVERY:
        assert (await w.ask(name)).status == 400, name
    w.cf.headers = {
        "X-Broker-API-Originating-Identity": f"cloudfoundry {fine}",
        "X-Broker-API-Request-Identity": "r-1",
    }
    for name in EVERY:
        answer = await w.ask(name)
        assert answer.headers["X-Broker-API-Request-Identity"] == "r-1", name
    text = (w.served.kit.home / "audit.log").read_text()
    assert 'for cloudfoundry {\\"user_id\\": \\"u-1\\"}' in text


NEEDED = {
    "provision": ("service_id", "plan_id", "organization_guid", "space_guid"),
    "update": ("service_id",),
    "bind": ("service_id", "plan_id"),
}


async def test_every_field_that_is_needed(w: World) -> None:
    ids = w.cf.ids()
    whole = {"provision": {**ids, **ORG}, "update": ids, "bind": ids}
    where = {"provision": ("PUT", f"{I}{ASYNC}"), "update": ("PATCH", f"{I}{ASYNC}"), "bind": ("PUT", B)}
    await w.expect("provision", 202, path=I)
    for name, fields in NEEDED.items():
        method, path = where[name]
        for field in fields:
            bodies: list[dict[str, Any]] = [{k: v for k, v in whole[name].items() if k != field}]
            bodies += [{**whole[name], field: wrong} for wrong in ("", None, 1, [], {}, "x" * 400)]
            for body in bodies:
                answer = await w.cf(method, path, body)
                assert (answer.status, bool(answer.data["description"])) == (400, True), (name, body, answer.text)
        for tree in ("parameters", "bind_resource" if name == "bind" else "maintenance_info"):
            assert (await w.cf(method, path, {**whole[name], tree: "text"})).status == 400, (name, tree)
        for text in (b"", b"[]", b"{", b'{"a": NaN}', b"\xff", b"[" * 100_000, b'{"a": ' * 100_000):
            assert await w.cf.raw(method, path, text) == 400, (name, text[:9])
        assert await w.cf.raw(method, path, b"{}", "text/plain") == 400
        for odd in (
            {"organization_guid": "\ud800\0"},
            {"bind_resource": {"a": "\ud800\0"}},
            {"context": {"a": [[]] * 9}},
        ):
            assert (await w.cf(method, path, {**whole[name], **odd})).status < 500, (name, odd)
    for name, path in (("deprovision", I), ("unbind", B)):
        for query in ("", f"service_id={ids['service_id']}", f"plan_id={ids['plan_id']}", "service_id=&plan_id=x"):
            assert (await w.cf("DELETE", f"{path}?{query}&accepts_incomplete=true")).status == 400, (name, query)
    await w.expect("provision", 200)


@pytest.mark.parametrize("point", ["recorded", "begun"])
@pytest.mark.parametrize(
    ("request_", "held", "former", "path"),
    [
        ("provision", "provision", "nothing", I),
        ("update", "configure", "provisioned", I),
        ("deprovision", "deprovision", "provisioned", I),
        ("bind async", "bind", "provisioned", B),
        ("unbind async", "unbind", "bound", B),
    ],
)
async def test_a_broker_that_is_killed_in_the_middle(
    home: Path, monkeypatch: pytest.MonkeyPatch, request_: str, held: str, former: str, path: str, point: str
) -> None:
    chest, operation = Chest(), ""
    async with world(home, chest) as first:
        await reach(first, former)
        if point == "begun":
            chest.held = held
            operation = (await first.expect(request_, 202)).data["operation"]
            await chest.entered.wait()
        else:
            with monkeypatch.context() as patch:
                patch.setattr(OperationRunner, "begin", _die)
                with pytest.raises(Exception):  # noqa: B017 - the connection ends, or with an older aiohttp hangs
                    await asyncio.wait_for(first.ask(request_), 5)
        platform = first.cf
    chest.held, chest.gate, chest.entered = "", asyncio.Event(), asyncio.Event()
    async with world(home, chest, platform) as second:
        again = await second.ask(request_)
        settled = {"provision": 200, "update": 200, "deprovision": 410, "bind async": 200, "unbind async": 410}
        assert again.status in {202, settled[request_]}, again.text
        if operation and again.status == 202:
            assert again.data["operation"] == operation
        assert await second.cf.ended(path) == {"state": "succeeded"}
        await second.expect(request_, settled[request_])
        assert len(chest.contents) == (request_ != "deprovision")
        assert (
            len(chest.keys)
            == {"provision": 1, "update": 1, "deprovision": 0, "bind async": 2, "unbind async": 1}[request_]
        )


async def _die(*_: Any, **__: Any) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("request_", "former", "statuses"),
    [
        ("provision", "nothing", {202}),
        ("update", "provisioned", {202}),
        ("deprovision", "provisioned", {202}),
        ("bind", "provisioned", {200, 201}),
        ("unbind", "bound", {200}),
    ],
)
async def test_requests_at_the_same_time_are_one(w: World, request_: str, former: str, statuses: set[int]) -> None:
    await reach(w, former)
    answers = await asyncio.gather(*[w.ask(request_) for _ in range(8)])
    assert {each.status for each in answers} <= statuses, [each.text for each in answers]
    assert len({each.text for each in answers}) == 1
    if 202 in statuses:
        assert await w.cf.ended(I) == {"state": "succeeded"}
    assert w.chest.made == 1


async def test_a_binding_is_rotated_while_the_former_one_works(w: World) -> None:
    await reach(w, "bound")
    former = (await w.ask("credentials")).data["credentials"]
    ids = w.cf.ids()
    path = f"{I}/service_bindings/b2"
    asked = {**ids, "predecessor_binding_id": "b"}
    made = await w.cf("PUT", path, asked)
    assert made.status == 201
    fresh = made.data["credentials"]
    assert fresh["password"] != former["password"]
    assert {former["password"], fresh["password"]} <= {*w.chest.keys.values()}
    assert (await w.cf("PUT", path, asked)).status == 200
    assert (await w.cf("PUT", path, ids)).status == 409, "another request"
    await w.expect("unbind", 200)
    assert former["password"] not in w.chest.keys.values()
    assert (await w.cf("GET", path)).data["credentials"] == fresh
    assert (await w.cf("PUT", path, asked)).status == 200, "the same request, after the former one is unbound"
    for predecessor in ("b", "none"):
        refused = await w.cf("PUT", f"{I}/service_bindings/b3", {**ids, "predecessor_binding_id": predecessor})
        assert refused.status == 400


async def test_another_plan_has_the_data(w: World) -> None:
    plans = {each["name"]: each["plan_updateable"] for each in w.cf.service["plans"]}
    assert (w.cf.service["plan_updateable"], plans) == (True, {"small": True, "wide": True, "box": False})
    assert {*w.cf.service["plans"][0]["schemas"]["service_instance"]["update"]["parameters"]["properties"]} == {
        "colour"
    }
    await reach(w, "bound")
    (old,) = w.chest.contents
    w.chest.contents[old] = ["gold", "silver"]
    w.chest.failing.add("load")
    await w.expect("update plan", 202)
    failed = await w.cf.ended(I)
    assert (failed["state"], failed["instance_usable"], failed["update_repeatable"]) == ("failed", True, True)
    assert (await w.ask("show")).data["plan_id"] == w.cf.ids()["plan_id"]
    await w.expect("credentials", 200)
    w.chest.failing.clear()
    await w.expect("update plan", 202)
    assert await w.cf.ended(I) == {"state": "succeeded"}
    assert (await w.ask("show")).data["plan_id"] == w.cf.ids("wide")["plan_id"]
    credentials = (await w.ask("credentials")).data["credentials"]
    assert credentials["database"] != old
    assert w.chest.contents[credentials["database"]] == ["gold", "silver"]
    assert credentials["password"] in w.chest.keys.values()
    await w.expect("update plan", 200)
    await w.expect("provision", 409)
    await w.expect("unbind", 200)
    await w.expect("deprovision", 202, path=I)
    assert {*w.chest.contents} <= {old}, "only the former place may be kept for a while"


async def test_a_platform_brings_a_service_instance_to_the_version_of_the_catalog(home: Path) -> None:
    programs = home / "programs"  # every user has a way to it
    for version in ("1.1", "2.3.4"):
        (programs / version).mkdir(parents=True)
        (programs / version / "chestd").write_text(f"#!/bin/sh\necho chestd {version}\n")
        (programs / version / "chestd").chmod(0o755)
    chest = Chest(version="1", programs=f"{programs}/*")
    async with world(home, chest) as first:
        await reach(first, "bound")
        (old,) = chest.contents
        chest.contents[old] = ["gold"]
        assert (await first.ask("show")).data["maintenance_info"] == {"version": "1.0.0"}
        platform = first.cf
    later = Chest(version="2.3", programs=f"{programs}/*", contents=chest.contents, keys=chest.keys)
    async with world(home, later, platform) as w:
        (platform.service,) = (await platform("GET", "/catalog")).data["services"]
        assert platform.service["plans"][0]["maintenance_info"] == {"version": "2.3.0"}
        assert (await w.ask("show")).data["maintenance_info"] == {"version": "1.0.0"}
        asked = {"service_id": platform.service["id"], "maintenance_info": {"version": "2.3.0"}}
        assert (await platform("PATCH", I, asked)).data["error"] == ASYNCHRONOUS
        assert (await platform("PATCH", f"{I}{ASYNC}", asked)).status == 202
        assert await platform.ended(I) == {"state": "succeeded"}
        assert (await w.ask("show")).data["maintenance_info"] == {"version": "2.3.0"}
        assert (await platform("PATCH", f"{I}{ASYNC}", asked)).status == 200
        place = (await w.ask("credentials")).data["credentials"]["database"]
        assert (later.contents[place], place == old) == (["gold"], False)
        platform.version = "2.14"
        assert "maintenance_info" not in (await w.ask("show")).data


async def test_what_was_made_long_ago_is_still_told(home: Path) -> None:
    chest = Chest()
    async with world(home, chest) as first:
        await reach(first, "bound")
        for each in await first.served.kit.operation_log.list():
            await first.served.kit.operation_log.withdraw(each.id)
        assert await first.states() == ["succeeded", "succeeded"]
        await first.expect("provision", 200)
        await first.expect("bind", 200)
        await first.expect("unbind", 200)
        await first.expect("unbind", 410)
        await first.expect("deprovision", 202, path=I)
        await first.served.kit.broker_records.sweep(first.served.kit.operation_log.now())
        assert await first.states() == ["404", "404"]
        await first.expect("deprovision", 410)
