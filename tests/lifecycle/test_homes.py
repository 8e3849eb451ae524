"""A copied home leaves the original alone; an adopted copy and a moved home work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.home import kill_servers, server_processes


def copied(home: Path, copy: Path) -> None:
    subprocess.run(["cp", "-a", home, copy], check=True)


def restored(home: Path, copy: Path) -> None:
    copy.mkdir()
    subprocess.run(f"tar -C {home} -cf - . | tar -C {copy} -xpf -", shell=True, check=True)


@pytest.fixture
def valkey(addonkit_command: CommandLine) -> CommandLine:
    """A home with a server that runs."""
    assert addonkit_command("create", "valkey:small", "-a", "shop").status == 0
    return addonkit_command


def url(command: CommandLine) -> str:
    ended = command("env", "-a", "shop", "--format", "json", "--reveal")
    assert ended.status == 0, ended.err
    answer: str = json.loads(ended.out)["VALKEY_URL"]
    return answer


@pytest.mark.parametrize("make", [copied, restored])
@pytest.mark.all_day("copied")
def test_a_copy_says_so_and_touches_nothing(
    valkey: CommandLine, home: Path, tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    before = server_processes(home)
    copy = home.with_name(f"{home.name}-copy")
    make(home, copy)
    try:
        other = CommandLine(copy)
        for words in (
            ("list",),
            ("doctor",),
            ("doctor", "--fix", "--yes"),
            ("env", "-a", "shop"),
            ("run", "-a", "shop", "--", "true"),
            ("create", "valkey:small", "-a", "blog"),
            ("destroy", "valkey", "-a", "shop", "--yes"),
        ):
            ended = other(*words)
            assert ended.status == 1, words
            assert f"it is a copy of {home}" in ended.err
            assert len(ended.err.splitlines()) == 1
        assert server_processes(home) == before
        assert json.loads(other("home", "show", "--json").out)["place"] == "copy"

        assert other("home", "adopt").status == 0
        assert url(other) != url(valkey)
        assert other("run", "-a", "shop", "--", "true").status == 0
        assert other("destroy", "valkey", "-a", "shop", "--yes").status == 0
        assert server_processes(home) == before
        assert valkey("run", "-a", "shop", "--", "true").status == 0
    finally:
        kill_servers(copy)
        shutil.rmtree(copy)


def test_a_copy_in_the_place_of_the_original_leaves_the_servers_of_that_alone(valkey: CommandLine, home: Path) -> None:
    before = server_processes(home)
    assert before
    aside = home.rename(home.with_name(f"{home.name}-aside"))
    copied(aside, home)
    try:
        ended = valkey("list")
        assert "another process listens on its port" in ended.err
        assert valkey("restart", "shop-valkey").status == 1
        assert valkey("stop", "shop-valkey").status == 0
        assert valkey("destroy", "valkey", "-a", "shop", "--yes").status == 0
        assert server_processes(aside) == before
        assert CommandLine(aside)("run", "-a", "shop", "--", "true").status == 0
    finally:
        shutil.rmtree(home)
        aside.rename(home)


def test_a_link_to_a_home_is_the_home(valkey: CommandLine, home: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(home)
    assert url(CommandLine(link)) == url(valkey)
    assert CommandLine(link)("run", "-a", "shop", "--", "true").status == 0
    assert valkey("home", "show", "--json").status == 0


def test_a_home_that_was_moved_by_hand_works(valkey: CommandLine, home: Path) -> None:
    moved = home.with_name(f"{home.name}-moved")
    before = url(valkey)
    home.rename(moved)
    try:
        other = CommandLine(moved)
        assert other("run", "-a", "shop", "--", "true").status == 0
        assert url(other) == before
        (pid,) = server_processes(moved)
        assert os.path.realpath(f"/proc/{pid}/cwd").startswith(str(moved))
        assert other("destroy", "valkey", "-a", "shop", "--yes").status == 0
    finally:
        kill_servers(moved)
        moved.rename(home)


def test_a_home_is_moved_with_its_servers_stopped(valkey: CommandLine, home: Path) -> None:
    target = home.with_name(f"{home.name}-target")
    before = url(valkey)
    try:
        ended = valkey("home", "move", str(target))
        assert ended.status == 0, ended.err
        assert server_processes(target) == ()
        assert not home.exists()
        assert CommandLine(target)("run", "-a", "shop", "--", "true").status == 0
        assert url(CommandLine(target)) == before
        refused = CommandLine(target)("home", "move", str(target.parent))
        assert refused.status == 1
        assert "exists" in refused.err
    finally:
        kill_servers(target)
        target.rename(home)


def test_a_state_that_is_gone_is_no_new_home(valkey: CommandLine, home: Path) -> None:
    (home / "state.db").unlink()
    ended = valkey("list")
    assert ended.status == 1
    assert "it is missing, and" in ended.err


@pytest.mark.skipif(os.geteuid() != 0, reason="about what root takes over")
def test_a_home_of_another_user_is_refused(addonkit_command: CommandLine, home: Path) -> None:
    os.chown(home, 12345, 12345)
    try:
        ended = addonkit_command("list")
    finally:
        os.chown(home, 0, 0)
    assert ended.status == 1
    assert "belongs to user 12345" in ended.err
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
def test_modes_do_not_depend_on_the_umask(home: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        new = home / "new"
        command = CommandLine(new)
        ended = command("create", "valkey:small", "-a", "shop")
        assert ended.status == 0, ended.err
        open_ones = [
            path
            for path in new.rglob("*")
            if not path.is_symlink() and not path.is_socket() and path.stat().st_mode & 0o022
        ]
        assert open_ones == []
        assert command("destroy", "valkey", "-a", "shop", "--yes").status == 0
    finally:
        os.umask(before)
        kill_servers(home / "new")


@pytest.mark.parametrize("words", [("show",), ("move", "elsewhere"), ("adopt",)])
def test_no_home_of_this_machine_is_meant_while_a_service_is_named(
    addonkit_command: CommandLine, words: tuple[str, ...]
) -> None:
    refused = addonkit_command("home", *words, ADDONKIT_URL="unix:/nowhere/api.sock")

    assert refused.status == 1
    assert refused.err == (
        "error: cannot show, move or adopt a home: ADDONKIT_URL names one that a service answers for; "
        "unset ADDONKIT_URL on its machine\n"
    )
