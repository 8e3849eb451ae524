"""Docker Compose and Score run addonkit as their specifications say: arguments, stdin, and nothing else on stdout."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.cli.commands.compose import alias_of
from addonkit.models.identifiers import check_alias
from addonkit.testing.command import CommandLine, Ended


def messages(ended: Ended) -> list[tuple[str, str]]:
    """Each line of stdout is a message."""
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert all(set(each) == {"type", "message"} for each in found)
    return [(each["type"], each["message"]) for each in found]


def test_a_provider_of_docker_compose(addonkit_command: CommandLine) -> None:
    about = json.loads(addonkit_command("compose", "metadata").out)
    assert {*about} == {"description", "up", "down", "stop"}
    (needed,) = [each for each in about["up"]["parameters"] if each["required"]]
    assert needed["name"] == "addon"

    up = ("compose", "--project-name", "shop", "up", "--addon=valkey", "--exact=true", "Cache.1")
    first = addonkit_command(*up)
    assert first.status == 0, first
    found = [each for each in messages(first) if each[0] in {"setenv", "rawsetenv"}]
    assert {kind for kind, _ in messages(first)} == {"info", "setenv", "rawsetenv"}
    assert [text for kind, text in found if kind == "setenv" and text.startswith("VALKEY_URL=redis://")]
    exact = r"CACHE_1_[0-9A-F]{6}_VALKEY_URL=redis://.*"
    assert [text for kind, text in found if kind == "rawsetenv" and re.fullmatch(exact, text)]
    assert addonkit_command("compose", "--project-name", "shop", "stop", "Cache.1").status == 0
    assert addonkit_command("list", "--no-start", "--json").data["instances"][0]["server"]["state"] == "stopped"
    again = addonkit_command(*up)
    assert [each for each in messages(again) if each[0] in {"setenv", "rawsetenv"}] == found
    assert addonkit_command("list", "--no-start", "--json").data["instances"][0]["server"]["state"] == "running"

    for _ in range(2):
        assert addonkit_command("compose", "--project-name", "shop", "down", "Cache.1").status == 0
    assert addonkit_command("list", "--json").data["instances"] == []

    for words in (("--project-name", "shop", "up", "--addon", "nothing", "db"), ("up", "--addon", "valkey", "db")):
        failed = addonkit_command("compose", *words)
        ((kind, text),) = messages(failed)
        assert (failed.status, kind) == (1, "error"), text


@given(st.sets(st.from_regex(r"[a-zA-Z0-9._-]{1,60}", fullmatch=True), min_size=2))
def test_services_of_compose_never_meet(services: set[str]) -> None:
    more = {each.replace(".", "-") for each in services} | {each.lower() for each in services}
    aliases = [check_alias(alias_of(each)) for each in sorted(services | more | {alias_of(each) for each in services})]
    assert len(set(aliases)) == len(aliases)
    assert alias_of("db-a") == "db-a" != alias_of("db.a")


@pytest.mark.slow
def test_a_provisioner_of_score(addonkit_command: CommandLine) -> None:
    resource = {
        "resource_uid": "redis.default#web.cache",
        "resource_type": "redis",
        "resource_class": "default",
        "resource_id": "web.cache",
        "resource_params": {},
        "resource_metadata": {"annotations": {}},
        "resource_state": {},
        "source_workload": "web",
        "workload_services": {"web": {"service_name": "web", "ports": {}}},
        "shared_state": {"others": {"kept": True}},
        "compose_project_name": "shop",
        "mount_directory_path": "/nowhere/mounts",
    }
    first = addonkit_command("score", "valkey", input=json.dumps(resource))
    assert first.status == 0, first
    document = json.loads(first.out)
    assert {*document} == {"resource_state", "resource_outputs", "shared_state"}
    outputs = document["resource_outputs"]
    assert {"host", "port", "username", "password"} <= {*outputs}
    assert outputs["url"].startswith("redis://")
    kept = {**resource, "resource_state": document["resource_state"]}
    assert json.loads(addonkit_command("score", "valkey", input=json.dumps(kept)).out) == document
    assert addonkit_command("rename", "--app", document["resource_state"]["app"], "cache").status == 0
    renamed = json.loads(addonkit_command("score", "valkey", input=json.dumps(kept)).out)
    assert renamed["resource_outputs"] == outputs, "the state that Score keeps names what it has"
    assert renamed["resource_state"] == {**document["resource_state"], "app": "cache"}
    for odd in (None, [], {"instance": 7}, {"instance": "gone"}):
        assert addonkit_command("score", "valkey", input=json.dumps({**resource, "resource_state": odd})).status == 0
    other = addonkit_command(
        "score", "valkey:shared", input=json.dumps({**resource, "resource_uid": "redis.default#web/cache"})
    )
    assert json.loads(other.out)["resource_outputs"]["password"] != outputs["password"]
    database = {**resource, "resource_uid": "postgres.default#web.db", "resource_type": "postgres"}
    found = json.loads(addonkit_command("score", "postgresql:shared", input=json.dumps(database)).out)
    assert {"host", "port", "name", "database", "username", "password"} <= {*found["resource_outputs"]}
    for app in addonkit_command("apps", "--json").data["apps"]:
        assert addonkit_command("destroy", "-a", app["name"], "--yes", "--now").status == 0
    assert addonkit_command("list", "--json").data["instances"] == []
    for nothing in ("", "[]", "{}"):
        failed = addonkit_command("score", "valkey", input=nothing)
        assert (failed.status, failed.out, failed.err.count("\n")) == (1, "", 1)
