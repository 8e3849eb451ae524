"""A server never runs with a list of users that lets strangers in, or that has lost the apps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import valkey
import valkey.exceptions

from addonkit import Secret
from addonkit_valkey import admin
from addonkit_valkey.acl import ADMINISTRATOR, OWNER, owner_rules, tenant_rules

APP = Secret.generate()


@pytest.fixture
async def file(start: Callable[..., Any]) -> Path:
    """The list of users of a server that has an app, and is stopped."""
    running = start("small")
    await admin.set_user(running.administrator, OWNER, owner_rules(APP, persistent=True))
    await admin.set_user(running.administrator, "blog", tenant_rules(APP, "blog:"))
    running.client().set("kept", "yes")
    running.process.terminate()
    running.process.wait(30)
    found: Path = running.disk / "users.acl"
    assert found.stat().st_mode & 0o777 == 0o600
    return found


DAMAGES: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "one line is gone": lambda text: "".join(line for line in text.splitlines(True) if ADMINISTRATOR not in line),
    "the locked user is gone": lambda text: "".join(line for line in text.splitlines(True) if OWNER not in line),
    "another administrator": lambda text: text.replace("#", "#0", 1).replace(f"user {ADMINISTRATOR} on", "user x on"),
    "an open user": lambda text: f"{text}user eve on nopass ~* &* +@all\n",
    "an open user, said otherwise": lambda text: f"{text}user eve nopass on ~* &* +@all\n",
    "an open user, with blanks": lambda text: f"{text}  user   eve  ~* on +@all nopass\n",
    "opened to all": lambda text: text.replace(f"user {OWNER} on", f"user {OWNER} on nopass"),
    "opened by a second line": lambda text: f"{text}user {OWNER} on nopass ~* &* +@all\n",
    "nonsense behind it": lambda text: f"{text}\x00\xff nonsense\n",
    "cut in the middle": lambda text: text[: len(text) // 2],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_list_of_users_keeps_the_server_from_starting(
    file: Path, damage: str, start: Callable[..., Any]
) -> None:
    whole = file.read_text()
    file.write_text(DAMAGES[damage](whole), encoding="utf-8")

    refused = start("small", file.parent)

    assert refused.process.wait(30)
    assert "users.acl" in refused.said
    file.write_text(whole)
    assert start("small", file.parent).client(OWNER, APP).get("kept") == b"yes"


def test_a_missing_list_of_users_is_not_made_again(file: Path, start: Callable[..., Any]) -> None:
    file.unlink()

    refused = start("small", file.parent)

    assert refused.process.wait(30)
    assert "users.acl is missing" in refused.said
    assert not file.exists()


def test_a_server_that_was_killed_comes_back_with_its_users(file: Path, start: Callable[..., Any]) -> None:
    running = start("small", file.parent)
    running.process.kill()
    running.process.wait(30)

    again = start("small", file.parent)

    assert again.client("blog", APP).execute_command("ACL", "WHOAMI") == b"blog"
    with pytest.raises(valkey.exceptions.AuthenticationError):
        valkey.Valkey(port=again.port, socket_timeout=10).ping()


def test_a_server_listens_on_loopback_alone_whatever_its_path(start: Callable[..., Any]) -> None:
    running = start("small")

    assert {"[", "*", "?", " "} <= set(str(running.disk))
    assert running.client().config_get("bind", "dir") == {"bind": "127.0.0.1", "dir": str(running.disk)}
