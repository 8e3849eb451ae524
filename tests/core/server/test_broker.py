"""The Open Service Broker API: every status of the specification, and what a platform relies on."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from addonkit.server.broker.app_names import stand_in
from addonkit.util.clock import SystemClock

from .conftest import SECRET, Served, Shelf, served
from .platforms import ASYNC, ORG, Platform, platform_of

IDS = [
    "565be4ab-a4ff-5eb1-9d96-a3d697736200",
    "597b0d83-0d9b-5a51-b2f8-d61b3fc0e80e",
    "2722d4d6-c4ec-5986-a458-3c375440a57a",
]


@pytest.fixture
async def cf(api: Served) -> Platform:
    return await platform_of(api)


async def test_the_catalog(cf: Platform) -> None:
    answer = await cf("GET", "/catalog")
    (service,) = answer.data["services"]
    assert (service["name"], service["bindable"]) == ("shelf", True)
    assert [plan["name"] for plan in service["plans"]] == ["small", "wide"]
    ids = [service["id"], *(plan["id"] for plan in service["plans"])]
    assert ids == IDS, "platforms keep them: they never change"
    for plan in service["plans"]:
        for schema in (plan["schemas"]["service_instance"]["create"], plan["schemas"]["service_binding"]["create"]):
            assert schema["parameters"]["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert (await cf("GET", "/catalog", If_None_Match=answer.headers["ETag"])).status == 304
    cf.version = "2.13"
    (older,) = (await cf("GET", "/catalog")).data["services"]
    assert not {"instances_retrievable"} & {*older}
    assert not {"maintenance_info", "binding_rotatable"} & {*older["plans"][0]}


async def test_a_service_instance_and_its_bindings(cf: Platform, shelf: Shelf) -> None:
    asked = await cf.provision("i-1")
    assert asked.status == 202
    again = await cf.provision("i-1")
    assert (again.status, again.data) in [(202, asked.data), (200, {})]
    assert await cf.ended("/service_instances/i-1") == {"state": "succeeded"}
    assert (await cf.provision("i-1")).status == 200
    assert (await cf("GET", "/service_instances/i-1")).data == {
        **cf.ids(),
        "parameters": {},
        "maintenance_info": {"version": "0.0.0"},
    }

    bound = await cf.bind("i-1", "b-1", app_guid="app")
    assert bound.status == 201, bound.text
    credentials = bound.data["credentials"]
    assert credentials["SHELF_URL"] == credentials["uri"] == f"shelf://user:{SECRET}@localhost/1"
    assert (credentials["username"], credentials["password"], credentials["database"]) == ("user", SECRET, "1")
    assert ((await cf.bind("i-1", "b-1", app_guid="app")).status, (await cf.bind("i-1", "b-1")).status) == (200, 409)
    path = "/service_instances/i-1/service_bindings/b-2"
    later = await cf("PUT", path + ASYNC, cf.ids())
    assert later.status == 202
    assert await cf.ended(path) == {"state": "succeeded"}
    assert (await cf("GET", path)).data["credentials"]["password"] == SECRET

    assert (await cf("DELETE", f"{path}?{cf.query}")).status == 200
    assert (await cf("DELETE", f"{path}?{cf.query}")).status == 410
    assert (await cf("GET", path)).status == 404
    gone = f"/service_instances/i-1?{cf.query}&accepts_incomplete=true"
    assert (await cf("DELETE", gone)).status == 202
    assert await cf.ended("/service_instances/i-1") == {"state": "succeeded"}
    assert (await cf("DELETE", gone)).status == 410
    assert not shelf.made
    assert (await cf.provision("i-1")).status == 202, "its id may be used again"
    assert await cf.ended("/service_instances/i-1") == {"state": "succeeded"}


async def test_ids_that_read_alike_stand_for_things_of_their_own(cf: Platform, shelf: Shelf) -> None:
    for id in ("a", "a.b"):
        assert (await cf.provision(id)).status == 202
        await cf.ended(f"/service_instances/{id}")
    bound = [await cf.bind(*ids) for ids in (("a", "b.c"), ("a.b", "c"))]
    assert [each.status for each in bound] == [201, 201]
    assert {*bound[0].data["credentials"]} == {*bound[1].data["credentials"]}, "none has those of the other as well"
    path = f"/service_instances/a/service_bindings/b.c?{cf.query}"
    assert (await cf("DELETE", path)).status == 200
    assert (await cf("GET", "/service_instances/a/service_bindings/b.c")).status == 404
    assert (await cf("GET", "/service_instances/a.b/service_bindings/c")).status == 200

    strange = "x y"
    digest = stand_in("broker", strange).removeprefix("broker-")
    assert stand_in("broker", digest) != stand_in("broker", strange), "an id may be the digest of another one"
    assert stand_in("binding", "1-2", "3") == "binding-1-2.3"
    assert len(stand_in("binding", "i" * 90, "b" * 90)) < 60, "an app has a name of 200 characters at most"


async def test_refusals(cf: Platform) -> None:
    await cf.provision("made")
    await cf.ended("/service_instances/made")
    ids, query = cf.ids(), cf.query
    other = {**ids, "plan_id": "nothing"}
    instance, binding = "/service_instances/made", "/service_instances/made/service_bindings/b"
    none = "/service_instances/none"
    table: list[tuple[str, str, Any, int, str]] = [
        ("PUT", f"/service_instances/x{ASYNC}", {**ORG, "plan_id": "p"}, 400, ""),
        ("PUT", f"/service_instances/x{ASYNC}", {**ORG, "service_id": "s"}, 400, ""),
        ("PUT", f"/service_instances/x{ASYNC}", {**ids, "space_guid": "s"}, 400, ""),
        ("PUT", f"/service_instances/x{ASYNC}", {**ids, "organization_guid": ""}, 400, ""),
        ("PUT", f"/service_instances/x{ASYNC}", {**other, **ORG}, 400, ""),
        ("PUT", f"/service_instances/x{ASYNC}", {**ids, **ORG, "parameters": {"colour": "red"}}, 400, ""),
        ("PUT", f"/service_instances/x{ASYNC}", {**ids, **ORG, "parameters": []}, 400, ""),
        ("PUT", f"/service_instances/x{ASYNC}", {**ids, **ORG, "parameters": {"a": {}}}, 400, ""),
        ("PUT", f"/service_instances/x{ASYNC}", [1], 400, ""),
        ("PUT", "/service_instances/x", {**ids, **ORG}, 422, "AsyncRequired"),
        ("PUT", f"/service_instances/x{ASYNC}", {**ids, **ORG, "maintenance_info": {"version": "9.9.9"}}, 422, "MaintenanceInfoConflict"),
        ("PUT", f"{instance}{ASYNC}", {**cf.ids("wide"), **ORG}, 409, ""),
        ("PUT", f"{instance}{ASYNC}", {**ids, **ORG, "space_guid": "another"}, 409, ""),
        ("PUT", f"{instance}{ASYNC}", {**ids, **ORG, "unknown": 1}, 200, ""),
        ("GET", none, None, 404, ""),
        ("GET", f"{none}/last_operation", None, 404, ""),
        ("GET", f"{instance}/last_operation?operation=other", None, 400, ""),
        ("PATCH", f"{none}{ASYNC}", {"service_id": ids["service_id"]}, 404, ""),
        ("PATCH", f"{instance}{ASYNC}", {}, 400, ""),
        ("PATCH", instance, {"service_id": ids["service_id"]}, 200, ""),
        ("PATCH", f"{instance}{ASYNC}", {"service_id": ids["service_id"], "plan_id": "nothing"}, 400, ""),
        ("PATCH", instance, cf.ids("wide"), 422, "AsyncRequired"),
        ("PATCH", f"{instance}{ASYNC}", {"service_id": ids["service_id"], "parameters": {"colour": "red"}}, 400, ""),
        ("DELETE", f"{none}?{query}", None, 410, ""),
        ("DELETE", f"{instance}?plan_id=p", None, 400, ""),
        ("DELETE", f"{instance}?service_id=s", None, 400, ""),
        ("DELETE", f"{instance}?{query}", None, 422, "AsyncRequired"),
        ("PUT", binding, {"plan_id": "p"}, 400, ""),
        ("PUT", binding, other, 400, ""),
        ("PUT", binding, {**ids, "parameters": {"a": 1}}, 400, ""),
        ("PUT", binding, {**ids, "predecessor_binding_id": "none"}, 400, ""),
        ("PUT", f"{none}/service_bindings/b", ids, 404, ""),
        ("GET", binding, None, 404, ""),
        ("GET", f"{binding}/last_operation", None, 404, ""),
        ("DELETE", f"{binding}?{query}", None, 410, ""),
        ("DELETE", f"{binding}?plan_id=p", None, 400, ""),
        ("GET", "/service_instances/%0a", None, 400, ""),
    ]  # fmt: skip
    for method, path, body, status, word in table:
        answer = await cf(method, path, body)
        where = f"{method} {path} {json.dumps(body)}: {answer.text}"
        assert answer.status == status, where
        if status >= 400:
            assert answer.data.get("error", "") == word, where
            assert answer.data["description"], where
    # What was refused changed nothing.
    assert (await cf("GET", "/service_instances/x")).status == 404
    assert len((await cf.ask("GET", "/v1/instances")).data["items"]) == 1


async def test_every_path_checks_who_asks_first_and_then_the_version(cf: Platform) -> None:
    paths = [
        "/catalog",
        "/service_instances/x",
        "/service_instances/x/last_operation",
        "/service_instances/x/service_bindings/b",
    ]
    reader = (await cf.ask("POST", "/v1/tokens", {"name": "r", "role": "reader"})).data["text"]
    wrong = [base64.b64encode(each.encode()).decode() for each in ("cf:wrong", "wrong:wrong", f"r:{reader}")]
    good = cf.credentials
    (password,) = [base64.b64decode(good.partition(" ")[2]).decode().partition(":")[2]]
    wrong.append(base64.b64encode(f"someone:{password}".encode()).decode())
    for path in paths:
        for credentials in ("", "Basic ???", *(f"Basic {each}" for each in wrong)):
            cf.credentials = credentials
            answer = await cf("GET", path, X_Broker_API_Version="")
            assert (answer.status, "Basic" in answer.headers["WWW-Authenticate"]) == (401, True), (path, credentials)
        cf.credentials = good
        for version in ("", "1.0", "3.0", "two", "2"):
            assert (await cf("GET", path, X_Broker_API_Version=version)).status == 412, (path, version)
    for identity in ("cloudfoundry", "cloudfoundry !!", "cloudfoundry " + base64.b64encode(b"[]").decode()):
        assert (await cf("GET", "/catalog", X_Broker_API_Originating_Identity=identity)).status == 400
    fine = "cloudfoundry " + base64.b64encode(b'{"user_id": "u"}').decode()
    answer = await cf("GET", "/catalog", X_Broker_API_Originating_Identity=fine, X_Broker_API_Request_Identity="r-1")
    assert (answer.status, answer.headers["X-Broker-API-Request-Identity"]) == (200, "r-1")


async def test_what_runs_is_told_apart_from_what_ended(cf: Platform, shelf: Shelf) -> None:
    shelf.held = asyncio.Event()
    answers = await asyncio.gather(*[cf.provision("i") for _ in range(6)])
    assert {answer.status for answer in answers} <= {202, 422}
    await shelf.entered.wait()
    begun = (await cf.provision("i")).data["operation"]
    assert {answer.data["operation"] for answer in answers if answer.status == 202} == {begun}
    told = await cf("GET", f"/service_instances/i/last_operation?operation={begun}")
    assert (told.data["state"], told.headers["Retry-After"]) == ("in progress", "2")
    assert (await cf("GET", "/service_instances/i")).status == 404
    assert (await cf.bind("i", "b")).data["error"] == "ConcurrencyError"
    assert (await cf("PATCH", f"/service_instances/i{ASYNC}", cf.ids("wide"))).data["error"] == "ConcurrencyError"
    # A delete stops what is being made.
    deleted = await cf("DELETE", f"/service_instances/i?{cf.query}&accepts_incomplete=true")
    assert deleted.status == 202
    assert await cf.ended("/service_instances/i") == {"state": "succeeded"}
    assert not shelf.made
    assert not (await cf.ask("GET", "/v1/instances")).data["items"]


async def test_a_failure_is_told_and_can_be_asked_for_again(cf: Platform, shelf: Shelf) -> None:
    shelf.broken = True
    await cf.provision("i")
    failed = await cf.ended("/service_instances/i")
    assert failed["state"] == "failed"
    assert "the shelf broke" in failed["description"]
    assert (await cf.bind("i", "b")).status == 404
    shelf.broken = False
    assert (await cf.provision("i")).status == 202
    assert await cf.ended("/service_instances/i") == {"state": "succeeded"}


async def test_a_broker_that_is_stopped_in_the_middle(home: Path, shelf: Shelf) -> None:
    shelf.held = asyncio.Event()
    async with served(home, shelf) as first:
        cf = await platform_of(first)
        begun = (await cf.provision("i")).data
        await shelf.entered.wait()
    shelf.held = None
    async with served(home, shelf) as second:
        cf.ask = second.client
        again = await cf.provision("i")
        assert (again.status, again.data) in [(202, begun), (200, {})]
        assert await cf.ended("/service_instances/i") == {"state": "succeeded"}
        assert (await cf.bind("i", "b")).status == 201
    assert len(shelf.made) == 1


class Later(SystemClock):
    """The time after operations are forgotten."""

    def now(self) -> dt.datetime:
        return super().now() + dt.timedelta(days=8)


async def test_what_is_destroyed_without_the_platform_stays_gone(home: Path, shelf: Shelf) -> None:
    async with served(home, shelf) as first:
        cf = await platform_of(first)
        for id in ("i", "j"):
            await cf.provision(id)
            await cf.ended(f"/service_instances/{id}")
        for each in (await cf.ask("GET", "/v1/instances")).data["items"]:
            await cf.ask.settle(await cf.ask("DELETE", f"/v1/instances/{each['name']}"))
        for refused in (await cf.bind("i", "b"), await cf("PATCH", f"/service_instances/i{ASYNC}", cf.ids("wide"))):
            assert (refused.status, "no such service instance" in refused.data["description"]) == (404, True)
        assert (await cf("GET", "/service_instances/i/service_bindings/b")).status == 404
        assert (await cf("DELETE", f"/service_instances/i?{cf.query}&accepts_incomplete=true")).status == 410
    async with served(home, shelf, clock=Later()) as second:
        cf.ask = second.client
        while await second.kit.operation_log.list():
            await asyncio.sleep(0.02)
        await cf("GET", "/service_instances/j")
        assert not await second.kit.operation_log.list(), "reading makes nothing anew"
        assert not shelf.made


async def test_credentials_that_are_shown_are_in_the_audit_log(cf: Platform, home: Path) -> None:
    await cf.provision("i")
    await cf.ended("/service_instances/i")
    assert (await cf.bind("i", "b")).status == 201
    path = "/service_instances/i/service_bindings/b"
    assert (await cf("GET", path)).status == 200
    last = json.loads((home / "audit.log").read_text().splitlines()[-1])
    assert (last["method"], last["path"], last["who"][:9]) == ("GET", f"/broker/v2{path}", "token cf ")
