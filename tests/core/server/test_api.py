"""The API, asked as programs ask it."""

from __future__ import annotations

import asyncio
import io
import json
import re
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from addonkit import errors
from addonkit.errors import AddonkitError
from addonkit.models.operation import Operation
from addonkit.server.listeners import SOCKET
from addonkit.server.metric_families import FAMILIES
from addonkit.server.problems import STATUSES, status_of
from addonkit.server.runner import LEFT

from .conftest import SECRET, Client, Served, Shelf, served

SHOP = {"addon": "shelf", "app": "shop"}


async def test_operations_are_read_in_parts_oldest_first(ask: Client, api: Served) -> None:
    for app in ("shop", "blog", "wiki", "shop2"):
        await ask.settle(await ask("POST", "/v1/instances", {"addon": "shelf", "app": app}))
    await ask.settle(await ask("DELETE", "/v1/instances/blog-shelf"))

    async def names(query: str, limit: int) -> list[str]:
        seen: list[str] = []
        path = f"/v1/operations?limit={limit}{query}"
        cursor = ""
        while True:
            part = (await ask("GET", path + cursor)).data
            assert len(part["items"]) <= limit
            seen += [f"{each['verb']} {each['instance']}" for each in part["items"]]
            if part["next"] is None:
                return seen
            cursor = "&" + urlencode({"cursor": part["next"]})

    everything = [f"create {app}-shelf" for app in ("shop", "blog", "wiki", "shop2")] + ["destroy blog-shelf"]
    for limit in (1, 2, 5, 500):
        assert await names("", limit) == everything
        assert await names("&instance=blog-shelf", limit) == ["create blog-shelf", "destroy blog-shelf"]
        assert await names("&running=true", limit) == []
    assert [each.instance_name for each in await api.kit.operation_log.newest(2)] == ["blog-shelf", "shop2-shelf"]


async def test_an_instance_from_its_request_to_its_end(ask: Client, shelf: Shelf) -> None:
    asked = await ask("POST", "/v1/instances", SHOP)
    assert asked.headers["Location"] == f"/v1/operations/{asked.data['id']}"
    operation = await ask.settle(asked)
    assert (operation["state"], operation["result"]) == ("succeeded", {"instance": "shop-shelf"})
    assert (await ask("GET", asked.headers["Location"])).data == operation

    (app,) = (await ask("GET", "/v1/apps")).data["items"]
    assert app == {"name": "shop", "instances": ["shop-shelf"], "variables": 0}
    instance = (await ask("GET", "/v1/instances/shop-shelf")).data
    assert (instance["phase"], instance["variant"], instance["server"]) == ("active", "small", None)
    (association,) = (await ask("GET", "/v1/associations?app=shop")).data["items"]
    assert association == instance["associations"][0]
    assert (await ask("GET", f"/v1/associations/{association['id']}")).data == association

    hidden = (await ask("GET", "/v1/apps/shop/environment")).data["variables"]
    assert [(each["name"], each["value"]) for each in hidden] == [("SHELF_URL", None), ("SHELF_SIZE", "3")]
    shown = (await ask("GET", "/v1/apps/shop/environment?reveal=true")).data["variables"]
    assert SECRET in shown[0]["value"]

    attached = await ask.settle(await ask("POST", "/v1/associations", {"instance": "shop-shelf", "app": "blog"}))
    assert attached["apps"] == ["blog", "shop"]
    (tie,) = (await ask("GET", "/v1/associations?app=blog")).data["items"]
    detached = await ask.settle(await ask("DELETE", f"/v1/associations/{tie['id']}"))
    assert detached["result"] == {"variables": ["SHELF_URL", "SHELF_SIZE"]}

    assert (await ask("PATCH", "/v1/instances/shop-shelf", {"name": "books"})).data["name"] == "books"
    assert (await ask.settle(await ask("DELETE", "/v1/instances/books")))["state"] == "succeeded"
    assert (await ask("GET", "/v1/instances/books")).status == 404
    assert not shelf.made
    verbs = [each["verb"] for each in (await ask("GET", "/v1/operations")).data["items"]]
    assert verbs == ["create", "attach", "detach", "destroy"]


async def test_variables_by_hand_move_those_of_addons(ask: Client) -> None:
    await ask.settle(await ask("POST", "/v1/instances", SHOP))
    path = "/v1/apps/shop/environment"
    moved = await ask("PATCH", path, {"set": {"SHELF_SIZE": "5"}, "sensitive": True})
    assert {each["new"] for each in moved.data["moves"]} == {"SHELF_SHELF_URL", "SHELF_SHELF_SIZE"}
    assert (await ask("PATCH", path, {"unset": ["SHELF_SIZE"]})).data["moves"]
    assert (await ask("PATCH", path, {"unset": ["SHELF_SIZE"]})).status == 404
    assert (await ask("PATCH", "/v1/apps/shop", {"name": "store"})).data["name"] == "store"


async def test_events_go_on_where_they_were_interrupted(ask: Client) -> None:
    asked = await ask("POST", "/v1/instances", SHOP)
    whole = await ask.events(asked.data["id"])
    assert [each["event"] for each in whole] == ["step"] * (len(whole) - 1) + ["operation"]
    assert whole[0]["data"]["message"] == "make"
    assert len({each["id"] for each in whole[:-1]}) == len(whole) - 1
    for number, seen in enumerate(whole[:-1], 1):
        assert await ask.events(asked.data["id"], Last_Event_ID=seen["id"]) == whole[number:]
    assert await ask.events(asked.data["id"], Last_Event_ID="nonsense") == whole


async def test_a_failure_is_the_line_that_the_command_line_prints(ask: Client, shelf: Shelf) -> None:
    shelf.broken = True
    operation = await ask.settle(await ask("POST", "/v1/instances", SHOP))
    assert operation["state"] == "failed"
    assert operation["problem"]["detail"].startswith("completing shop-shelf: ")
    assert "the shelf broke" in operation["problem"]["found"]
    shelf.broken = False
    assert (await ask.settle(await ask("POST", "/v1/instances/shop-shelf/retry")))["state"] == "succeeded"


async def test_a_key_begins_one_operation(ask: Client, api: Served) -> None:
    sent = [ask("POST", "/v1/instances", SHOP, Idempotency_Key="one") for _ in range(8)]
    answers = await asyncio.gather(*sent)
    assert {answer.data["id"] for answer in answers} == {answers[0].data["id"]}
    await ask.settle(answers[0])
    assert (await ask("POST", "/v1/instances", SHOP, Idempotency_Key="one")).data["state"] == "succeeded"
    other = await ask("POST", "/v1/instances", {**SHOP, "app": "blog"}, Idempotency_Key="one")
    assert (other.status, other.data["found"]) == (422, "this Idempotency-Key was used for another request")
    assert (await ask("POST", "/v1/instances", SHOP, Idempotency_Key="x" * 256)).status == 400
    refused = {"addon": "shelf:none", "app": "shop"}
    assert (await ask("POST", "/v1/instances", refused, Idempotency_Key="two")).status == 404
    assert len(await api.kit.operation_log.list()) == 1, "what is refused leaves nothing"
    read = await ask("GET", "/v1/instances/shop-shelf")
    unchanged = {"Idempotency_Key": "gone", "If_Match": read.headers["ETag"]}
    destroyed = await ask("DELETE", "/v1/instances/shop-shelf", **unchanged)
    await ask.settle(destroyed)
    again = await ask("DELETE", "/v1/instances/shop-shelf", **unchanged)
    assert (again.status, again.data["id"]) == (202, destroyed.data["id"]), "also when there is nothing left to destroy"
    for other in (
        await ask("DELETE", "/v1/instances/blog-shelf", **unchanged),
        await ask("DELETE", "/v1/instances/shop-shelf?now=true", **unchanged),
        await ask("POST", "/v1/instances", SHOP, Idempotency_Key="gone"),
    ):
        assert other.status == 422


async def test_what_is_not_complete_is_completed_by_the_next_process(home: Path, shelf: Shelf) -> None:
    shelf.held = asyncio.Event()
    async with served(home, shelf) as first:
        asked = await first.client("POST", "/v1/instances", SHOP, Idempotency_Key="k")
        await shelf.entered.wait()
        stream = asyncio.create_task(first.client.events(asked.data["id"]))
        await asyncio.sleep(0.05)
    with pytest.raises((aiohttp.ClientError, KeyError, ValueError)):
        await stream
    assert not (home / SOCKET).exists()
    shelf.held = None
    async with served(home, shelf) as second:
        again = await second.client("POST", "/v1/instances", SHOP, Idempotency_Key="k")
        assert again.data["id"] == asked.data["id"]
        assert (await second.client.settle(again))["state"] == "succeeded"


async def test_a_destroy_that_the_controller_completes_meanwhile_succeeds(
    ask: Client, api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask.settle(await ask("POST", "/v1/instances", SHOP))
    destroy = api.kit.destroy

    async def quicker(name: str, **more: Any) -> Any:
        await destroy(name, **more)
        return await destroy(name, **more)

    monkeypatch.setattr(api.kit, "destroy", quicker)
    ended = await ask.settle(await ask("DELETE", "/v1/instances/shop-shelf"))
    assert (ended["state"], ended["problem"]) == ("succeeded", None)


async def test_what_another_process_left_is_completed_after_a_time(ask: Client, api: Served) -> None:
    await ask.settle(await ask("POST", "/v1/instances", SHOP))
    await api.kit.operation_log.begin(Operation("left", "retry", {"instance": "shop-shelf"}))
    await api.runner.resume(LEFT)
    assert (await ask("GET", "/v1/operations/left")).data["instance"] == "", "its process may be about to begin it"
    await api.runner.resume()
    assert (await ask.events("left"))[-1]["data"]["state"] == "succeeded"


async def test_one_process_answers_and_another_takes_over(home: Path, shelf: Shelf) -> None:
    async with served(home, shelf) as first:
        assert (home / SOCKET).stat().st_mode & 0o777 == 0o600
        async with served(home, shelf) as second:
            assert not [line for line in second.said if "unix" in line]
            assert (await first.client("GET", "/v1/health")).data == {"status": "ok"}
    assert not (home / SOCKET).exists()


async def test_etags_tell_whether_something_changed(ask: Client) -> None:
    await ask.settle(await ask("POST", "/v1/instances", SHOP))
    tag = (await ask("GET", "/v1/apps/shop")).headers["ETag"]
    unchanged = await ask("GET", "/v1/apps/shop", If_None_Match=tag)
    assert (unchanged.status, unchanged.text) == (304, "")
    wrong = await ask("PATCH", "/v1/apps/shop", {"name": "store"}, If_Match='"0123"')
    assert (wrong.status, wrong.data["found"]) == (412, "it has changed since it was read")
    for malformed in ("", "0123", '"a', '"a" "b"', "W/*"):
        refused = await ask("PATCH", "/v1/apps/shop", {"name": "store"}, If_Match=malformed)
        assert (refused.status, refused.data["found"]) == (400, "If-Match holds no ETag"), malformed
    assert (await ask("PATCH", "/v1/apps/shop", {"name": "store"}, If_Match=f'"0123", {tag}')).status == 200
    assert (await ask("PATCH", "/v1/apps/store", {"name": "shop"}, If_Match="*")).status == 200


async def test_lists_come_in_parts(ask: Client) -> None:
    for number in range(5):
        await ask.settle(await ask("POST", "/v1/instances", {"addon": "shelf", "app": f"app-{number}"}))
    names, cursor = [], ""
    while cursor is not None:
        part = (await ask("GET", f"/v1/apps?limit=2&cursor={cursor}")).data
        names += [each["name"] for each in part["items"]]
        cursor = part["next"]
    assert names == [f"app-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "part"),
    [
        ("POST", "/v1/instances", {"addon": "shelff", "app": "shop"}, 404, "did you mean shelf?"),
        ("POST", "/v1/instances", {"addon": "shelf:deep", "app": "shop"}, 404, "it has small and wide"),
        ("POST", "/v1/instances", {"addon": "shelf"}, 400, "app is missing"),
        ("POST", "/v1/instances", {**SHOP, "colour": "red"}, 400, "there is no colour"),
        ("POST", "/v1/instances", {**SHOP, "socket": "yes"}, 400, "socket is not true or false"),
        ("POST", "/v1/instances", {**SHOP, "app": "-"}, 400, "app does not match"),
        ("POST", "/v1/instances", [SHOP], 400, "the body is not an object"),
        ("GET", "/v1/instances/none", None, 404, "no instance has this name"),
        ("DELETE", "/v1/instances/none", None, 404, "no instance has this name"),
        ("GET", "/v1/apps/none", None, 404, "there is no app 'none'"),
        ("GET", "/v1/apps?limit=0", None, 400, "limit is not between 1 and 500"),
        ("GET", "/v1/apps?limit=many", None, 400, "limit is not a whole number"),
        ("GET", "/v1/apps?limit=1&limit=2", None, 400, "twice"),
        ("GET", "/v1/operations/none/events", None, 404, "there is none"),
        ("DELETE", "/v1/tokens/none", None, 404, "there is none"),
        ("GET", "/v2", None, 404, "cannot GET /v2: there is no such path"),
        ("PUT", "/v1/apps", {}, 405, "this path takes GET; see /v1/openapi.json"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_in_one_line(ask, method, path, body, status, part) -> None:
    answer = await ask(method, path, body)
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (status, "application/problem+json")
    assert part in answer.data["detail"]
    assert answer.data["status"] == status
    assert "\n" not in answer.data["detail"]


async def test_bodies_are_limited(ask: Client) -> None:
    json_ = {"Content-Type": "application/json"}
    big = io.BytesIO(b'"' + b"x" * 5_000_000 + b'"')
    async with ask.session.patch("http://localhost/v1/apps/shop/environment", data=big, headers=json_) as long:
        assert long.status == 413
    async with ask.session.post(
        "http://localhost/v1/instances", data=b"{", headers={"Content-Type": "application/json"}
    ) as broken:
        assert broken.status == 400
    async with ask.session.post("http://localhost/v1/instances", data=b"a=b") as form:
        assert form.status == 415


async def test_a_bug_shows_no_trace(ask: Client, api: Served, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(api.kit.listing, "apps", fail)
    answer = await ask("GET", "/v1/apps")
    assert answer.status == 500
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Request-Id"] in caplog.text


def test_every_error_has_a_status() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, AddonkitError)]
    for kind in kinds:
        error = Exception.__new__(kind)
        assert 400 <= status_of(error) < 600
    assert {*STATUSES} <= {*kinds}


async def test_the_audit_log_has_changes_and_no_secrets(ask: Client, home: Path) -> None:
    await ask("GET", "/v1/apps")
    asked = await ask("POST", "/v1/instances", SHOP)
    await ask.settle(asked)
    await ask("PATCH", "/v1/apps/shop/environment", {"set": {"API_KEY": SECRET}, "sensitive": True})
    await ask("GET", "/v1/apps/shop/environment?reveal=true")
    path = home / "audit.log"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SECRET not in path.read_text()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(each["method"], each["path"], each["status"]) for each in lines] == [
        ("POST", "/v1/instances", 202),
        ("PATCH", "/v1/apps/shop/environment", 200),
        ("GET", "/v1/apps/shop/environment", 200),
    ]
    assert lines[0]["operation"] == asked.data["id"]
    assert {each["where"] for each in lines} == {"unix"}


async def test_a_change_that_cannot_be_audited_is_a_problem(ask: Client, home: Path) -> None:
    (home / "audit.log").mkdir()
    answer = await ask("PATCH", "/v1/apps/shop/environment", {"set": {"A": "1"}})
    assert (answer.status, "cannot write the audit log" in answer.data["detail"]) == (503, True)
    assert (await ask("GET", "/v1/apps/shop")).status == 200


DASHBOARD = Path(__file__).parents[3] / "examples/grafana-dashboard.json"
ADVICE = Path(__file__).parents[3] / "docs/how-to/watch-it.md"


async def test_every_number_is_there_and_dashboards_and_alerts_use_no_others(ask: Client) -> None:
    text = (await ask("GET", "/metrics")).text
    given = dict(re.findall(r"^# TYPE (addonkit_\w+) (\w+)$", text, re.MULTILINE))
    given = {name: kind for name, kind in given.items() if not name.endswith("_created")}
    totals = {f"{name}_total" if each.kind == "counter" else name: each.kind for name, each in FAMILIES.items()}
    assert given == totals
    ends = {
        f"{name}_{end}" for name, kind in given.items() if kind == "histogram" for end in ("bucket", "count", "sum")
    }
    for path in (DASHBOARD, ADVICE):
        used = {*re.findall(r"addonkit_[a-z_]+", path.read_text())}
        assert used, path
        assert used <= {*given, *ends}, path
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            for names in re.findall(r"by \(([^)]*)\)", target["expr"]):
                known = {label for family in FAMILIES.values() for label in family.labels} | {"le"}
                assert {*names.split(", ")} <= known, target["expr"]


async def test_numbers_for_prometheus(ask: Client, api: Served) -> None:
    await ask.settle(await ask("POST", "/v1/instances", SHOP))
    answer = await ask("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    labels = {"instance": "shop-shelf", "addon": "shelf", "app": "shop"}
    assert [(s.labels, s.value) for s in families["addonkit_up"].samples] == [(labels, 1.0)]
    (state,) = families["addonkit_instances"].samples
    assert (state.labels, state.value) == ({"addon": "shelf", "variant": "small", "phase": "active"}, 1.0)
    count = {
        s.labels["verb"]: s.value for s in families["addonkit_operation_seconds"].samples if s.name.endswith("_count")
    }
    assert count == {"create": 1.0}
    assert families["addonkit_operations_running"].samples[0].value == 0
    assert {s.labels["saga"] for s in families["addonkit_saga_events"].samples} == {"shelf.provision"}
