"""What apps may do, as the servers themselves understand the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import valkey
import valkey.asyncio
import valkey.exceptions

from addonkit import Secret
from addonkit_valkey import admin
from addonkit_valkey.acl import ADMINISTRATOR, OWNER, owner_rules, prefix_of, tenant_rules

APP = Secret.generate()

WITHOUT_KEYS = frozenset(
    [
        "auth",
        "client|capa",
        "client|getname",
        "client|id",
        "client|info",
        "client|no-touch",
        "client|reply",
        "client|setinfo",
        "client|setname",
        "command",
        "command|count",
        "command|docs",
        "command|getkeys",
        "command|getkeysandflags",
        "command|help",
        "command|info",
        "command|list",
        "discard",
        "echo",
        "exec",
        "hello",
        "multi",
        "ping",
        "quit",
        "reset",
        "select",
        "time",
        "unwatch",
        "wait",
        "waitaof",
        "acl|whoami",
        "object|help",
        "xgroup|help",
        "xinfo|help",
    ]
)
"""Reviewed: each concerns the connection that sends it, or tells what every server of that version knows."""

CHANNELS = frozenset(
    ["publish", "psubscribe", "punsubscribe", "spublish", "ssubscribe", "subscribe", "sunsubscribe", "unsubscribe"]
)
"""The rule about channels applies."""

NEVER_OWNERS = frozenset({"config|set", "config|rewrite", "debug", "shutdown", "save", "bgsave", "bgrewriteaof"})


async def allowed(running: Any, user: str) -> set[str]:
    """Every command that the server would carry out for a user, subcommands by themselves."""
    client = running.client()
    names = {name for category in client.execute_command("ACL", "CAT") for name in _members(client, category)}
    whole = {name.partition("|")[0] for name in names if "|" in name}
    return {name for name in names - whole if _may(client, user, name)} | {
        name for name in whole & {"command"} if _may(client, user, name)
    }


def _members(client: valkey.Valkey, category: bytes) -> set[str]:
    return {name.decode() for name in client.execute_command("ACL", "CAT", category)}


def _may(client: valkey.Valkey, user: str, name: str) -> bool:
    """Whether the command itself is refused; with keys that nobody may reach the answer says so otherwise."""
    words = name.split("|")
    try:
        answer = client.execute_command("ACL", "DRYRUN", user, *words, *_arguments(client, name))
    except valkey.exceptions.ResponseError:
        return True
    return answer == b"OK" or b"has no permissions to run" not in answer


def _arguments(client: valkey.Valkey, name: str) -> list[str]:
    (info,) = client.execute_command("COMMAND INFO", name)
    return ["x"] * max(0, abs(info[1]) - 1 - name.count("|"))


async def test_every_command_of_a_tenant_takes_keys_or_is_known_to_reach_nothing(start: Callable[..., Any]) -> None:
    running = start("shared")
    await admin.set_user(running.administrator, "blog", tenant_rules(APP, prefix_of("blog")))
    client = running.client()

    names = await allowed(running, "blog")

    without = {name for name in names if not _takes_keys(client, name)}
    assert without - CHANNELS <= WITHOUT_KEYS
    assert {"get", "set", "xadd", "zadd", "blpop", "exec", "watch", "copy", "type"} <= names
    for category in (b"scripting", b"admin", b"dangerous"):
        assert not names & _members(client, category), category


def _takes_keys(client: valkey.Valkey, name: str) -> bool:
    (info,) = client.execute_command("COMMAND INFO", name)
    return bool(info[3]) or b"movablekeys" in info[2]


async def test_what_an_owner_may_not_do_is_what_reaches_files_addresses_or_the_administrator(
    start: Callable[..., Any],
) -> None:
    running = start("small")
    client = running.client()
    await admin.set_user(running.administrator, OWNER, owner_rules(APP, persistent=True))
    everything = await allowed(running, ADMINISTRATOR)

    refused = everything - await allowed(running, OWNER)

    families = {name.partition("|")[0] for name in refused - {"config|set", "config|rewrite"}}
    assert families <= {
        "acl", "cluster", "debug", "failover", "module", "pfdebug", "pfselftest", "psync", "replconf", "replicaof",
        "shutdown", "slaveof", "sync",
    }  # fmt: skip
    assert {"acl|setuser", "acl|list", "acl|load", "config|set", "config|rewrite", "debug", "failover", "module|load",
            "module|loadex", "replicaof", "slaveof", "shutdown"} <= refused  # fmt: skip
    assert client.execute_command("ACL", "WHOAMI") == ADMINISTRATOR.encode()


async def test_the_owner_of_a_cache_writes_no_file(start: Callable[..., Any]) -> None:
    running = start("cache")
    await admin.set_user(running.administrator, OWNER, owner_rules(APP, persistent=False))

    assert not await allowed(running, OWNER) & {"save", "bgsave", "bgrewriteaof", "config|set", "shutdown"}
    running.client(OWNER, APP).set("a", "b")
    running.process.terminate()
    running.process.wait(30)
    assert [path.name for path in running.disk.iterdir()] == ["users.acl"]


async def test_an_owner_who_watches_sees_no_password(start: Callable[..., Any]) -> None:
    """The administrator's is in no command that the server shows, whatever it is asked for."""
    running, seen = start("small"), list[Any]()
    await admin.set_user(running.administrator, OWNER, owner_rules(APP, persistent=True))
    running.client().config_set("slowlog-log-slower-than", "0")
    owner = running.client(OWNER, APP)
    with owner.monitor() as monitor:
        await admin.set_user(running.administrator, "blog", tenant_rules(APP, "blog:"))
        await admin.drop_tenant(running.administrator, "blog", "blog:", print)
        owner.set("the", "last")
        while "SET the last" not in str(seen[-1:]):
            seen.append(monitor.next_command())
    seen += [owner.slowlog_get(1000), owner.config_get("*"), owner.client_list(), owner.info(), owner.role()]

    assert "SET the last" in str(seen)
    for secret in (running.password.reveal(), APP.reveal()):
        assert secret not in str(seen)


async def test_a_rule_about_a_command_that_a_server_lacks_is_left_out(start: Callable[..., Any]) -> None:
    running = start("shared")

    await admin.set_user(running.administrator, "blog", ("reset", "+get", "?+client|setinfo", "?+no-such-command"))

    (rules,) = [line for line in running.client().acl_list() if "user blog " in line]
    assert "no-such-command" not in rules
    assert ("setinfo" in rules) is bool(running.client().execute_command("COMMAND INFO", "client|setinfo")[0])
