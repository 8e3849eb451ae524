"""Files that follow the variables of apps: written by each command that changes those, and by `serve`."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
import valkey
import yaml
from cfenv import AppEnv
from dotenv import dotenv_values
from pyservicebinding.binding import ServiceBinding

import addonkit
from addonkit.testing.command import CommandLine, Ended

NODE = "process.env.VALKEY_URL"
FOLLOW = ("--reveal", "--follow", "-o")


def run(command: CommandLine, *words: str) -> Ended:
    ended = command(*words)
    assert ended.status == 0, ended.err
    return ended


def shown(command: CommandLine, app: str) -> dict[str, str]:
    variables = run(command, "env", "-a", app, "--reveal", "--json").data["variables"]
    return {each["key"]: each["value"] for each in variables}


def agree_in_other_formats(values: dict[str, str], read: dict[str, str]) -> None:
    lines = [line.partition("=")[::2] for line in read["systemd"].splitlines()]
    assert {key: value.strip('"') for key, value in lines} == values
    assert dict(line.split("=", 1) for line in read["docker"].splitlines()) == values
    secret = yaml.safe_load(read["k8s-secret"])["data"]
    assert {key: b64decode(value).decode() for key, value in secret.items()} == values
    services = [each for found in json.loads(read["vcap"]).values() for each in found]
    assert set(values.values()) <= {value for each in services for value in each["credentials"].values()}


def test_a_file_follows_whatever_changes_the_variables(
    addonkit_command: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, dotenv, document = addonkit_command, tmp_path / ".env", tmp_path / "env.json"
    others = {each: tmp_path / each for each in ("shell", "docker", "systemd", "vcap", "k8s-secret")}
    assert call("env", "-a", "shop", "--format", "dotenv", *FOLLOW, str(dotenv)).status == 1
    assert not dotenv.exists(), "there is no such app"
    run(call, "env", "set", "-a", "shop", "DEBUG=1")
    run(call, "env", "-a", "shop", "--format", "dotenv", *FOLLOW, str(dotenv))
    run(call, "env", "-a", "shop", "--format", "json", *FOLLOW, str(document))
    for env_format, path in others.items():
        run(call, "env", "-a", "shop", "--format", env_format, *FOLLOW, str(path))

    def agree(app: str = "shop") -> dict[str, str]:
        values = shown(call, app)
        assert dotenv_values(dotenv, interpolate=False) == values == json.loads(document.read_text())
        for path in (dotenv, *others.values()):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        agree_in_other_formats(values, {each: path.read_text() for each, path in others.items()})
        return values

    assert agree() == {"DEBUG": "1"}
    run(call, "create", "valkey:shared", "-a", "shop")
    first = agree()["VALKEY_URL"]
    run(call, "rotate", "shop-valkey")
    assert agree()["VALKEY_URL"] != first
    for reader in (["dash", "-c", ". ./shell; exec printenv VALKEY_URL"], ["node", "--env-file=.env", "-p", NODE]):
        told = subprocess.run(reader, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
        assert told.stdout.strip() == agree()["VALKEY_URL"]
    monkeypatch.setenv("VCAP_SERVICES", run(call, "env", "-a", "shop", "--format", "vcap", "--reveal").out)
    with valkey.Valkey.from_url(AppEnv().get_service(name="shop-valkey").credentials["uri"]) as connection:
        connection.ping()
    with valkey.Valkey.from_url(str(dotenv_values(dotenv)["VALKEY_URL"])) as connection:
        connection.ping()
    run(call, "create", "valkey:shared", "-a", "blog")
    run(call, "attach", "blog-valkey", "-a", "shop", "--as", "other")
    assert "OTHER_VALKEY_URL" in agree()
    run(call, "promote", "blog-valkey", "-a", "shop")
    assert agree()["VALKEY_PREFIX"] == shown(call, "blog")["VALKEY_PREFIX"], "each app has its own login there"
    run(call, "detach", "blog-valkey", "-a", "shop")
    run(call, "env", "unset", "-a", "shop", "DEBUG")
    assert "DEBUG" not in agree()
    for path in others.values():
        run(call, "env", "outputs", "--forget", str(path))
    listed = run(call, "env", "outputs", "--json").data["files"]
    assert [(each["file"], each["app"], each["problem"]) for each in listed] == [
        (str(dotenv), "shop", None),
        (str(document), "shop", None),
    ]
    run(call, "env", "outputs", "--forget", str(document))
    run(call, "destroy", "shop-valkey", "--yes")
    assert dotenv.read_text() == "", "the app is gone with its last instance"
    assert any(key.endswith("VALKEY_URL") for key in json.loads(document.read_text())), "it follows no more"
    assert call("env", "outputs", "--forget", str(document)).status == 1
    run(call, "env", "set", "-a", "shop", "BACK=1")
    assert dotenv_values(dotenv) == {"BACK": "1"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pyservicebinding closes no file
def test_bindings_are_read_as_the_specification_says(
    addonkit_command: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, root = addonkit_command, tmp_path / "bindings"
    run(call, "create", "valkey:shared", "-a", "shop")
    assert "`addonkit bindings -a shop -o DIRECTORY` first" in call("run", "-a", "shop", "--bindings", "--", "true").err
    root.mkdir()
    assert "something of this name is there already" in call("bindings", "-a", "shop", "-o", str(root)).err
    root.rmdir()
    root.symlink_to(tmp_path / "elsewhere")
    assert "it is a link to something else" in call("bindings", "-a", "shop", "-o", str(root)).err
    root.unlink()
    run(call, "bindings", "-a", "shop", "-o", str(root))
    monkeypatch.setenv("SERVICE_BINDING_ROOT", str(root))

    def read() -> dict[str, str]:
        (found,) = ServiceBinding().bindings("valkey", "addonkit")
        values = shown(call, "shop")
        assert found == values | {
            "type": "valkey", "provider": "addonkit", "uri": values["VALKEY_URL"], "host": values["VALKEY_HOST"],
            "port": values["VALKEY_PORT"], "username": values["VALKEY_USERNAME"], "password": values["VALKEY_PASSWORD"],
        }  # fmt: skip
        with valkey.Valkey.from_url(found["uri"]) as connection:
            connection.ping()
        return found

    first, tree = read(), root.resolve()
    held = os.open(root, os.O_DIRECTORY)
    try:
        run(call, "rotate", "shop-valkey")
        assert read()["password"] != first["password"]
        names = os.listdir(held)  # noqa: PTH208 - takes a descriptor
        assert names == ["shop-valkey"], "a program that reads meanwhile has the former files"
    finally:
        os.close(held)
    assert {stat.S_IMODE(each.stat().st_mode) for each in root.rglob("*/*")} == {0o600}
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    os.utime(tree, (0, 0))
    told = run(
        call, "run", "-a", "shop", "--bindings", "--", "sh", "-c", 'cat "$SERVICE_BINDING_ROOT/shop-valkey/type"'
    )
    assert told.out == "valkey"
    run(call, "destroy", "shop-valkey", "--yes")
    assert ServiceBinding().all_bindings() == []
    assert not tree.exists(), "a former one is removed after a while"
    assert [each["format"] for each in run(call, "env", "outputs", "--json").data["files"]] == ["bindings"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link of another user")
def test_what_cannot_be_written_is_told(addonkit_command: CommandLine, tmp_path: Path) -> None:
    call, folder = addonkit_command, tmp_path / "project"
    folder.mkdir()
    run(call, "env", "set", "-a", "shop", "DEBUG=1")
    run(call, "env", "-a", "shop", "--format", "dotenv", *FOLLOW, str(folder / ".env"))
    (folder / ".env").unlink()
    (folder / "victim").write_text("kept")
    (folder / ".env").symlink_to("victim")
    os.chown(folder / ".env", 65534, 65534, follow_symlinks=False)

    changed = call("env", "set", "-a", "shop", "DEBUG=2")

    assert changed.status == 0, "the variable is set"
    assert changed.err.count("\n") == 1
    assert f"warning: cannot write {folder / '.env'}: " in changed.err
    assert "is a link of another user" in changed.err
    assert (folder / "victim").read_text() == "kept"
    (listed,) = run(call, "env", "outputs", "--json").data["files"]
    assert "is a link of another user" in listed["problem"]
    told = call("doctor", "--json")
    assert told.status == 1
    assert [each["kind"] for each in told.data["findings"]] == ["outdated-file"]
    (folder / ".env").unlink()
    assert call("doctor").status == 1, "it looks before it is written"
    assert (folder / ".env").read_text() == "DEBUG='2'\n"
    assert call("doctor").status == 0


async def test_serve_writes_them_too(home: Path, tmp_path: Path) -> None:
    """What changes without a command of ours, here by the Python API: a keeper sees it at once."""
    file, told = tmp_path / ".env", list[str]()
    async with addonkit.open(home) as kit:
        await kit.set_variables("shop", {"DEBUG": "1"})
        await kit.environment_files.follow("shop", str(file), "dotenv")
        keeping = asyncio.create_task(kit.keeper(told.append).run())
        try:
            await kit.set_variables("shop", {"DEBUG": "2"})
            assert await asyncio.to_thread(comes_true, lambda: file.read_text() == "DEBUG='2'\n")
            await kit.rename_app("shop", "store")
            await kit.set_variables("store", {"DEBUG": "3"})
            assert await asyncio.to_thread(comes_true, lambda: file.read_text() == "DEBUG='3'\n")
            file.unlink()
            file.mkdir()
            await kit.set_variables("store", {"DEBUG": "4"})
            assert await asyncio.to_thread(comes_true, lambda: bool(told))
            await kit.set_variables("store", {"DEBUG": "5"})
            file.rmdir()
            await kit.set_variables("store", {"DEBUG": "6"})
            assert await asyncio.to_thread(comes_true, lambda: file.is_file() and file.read_text() == "DEBUG='6'\n")
            assert told == [f"cannot write {file}: it is not an ordinary file"]
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


def comes_true(condition: Callable[[], bool]) -> bool:
    deadline = monotonic() + 30
    while monotonic() < deadline:
        if condition():
            return True
        sleep(0.05)
    return False
