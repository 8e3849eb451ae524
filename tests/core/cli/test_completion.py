"""Names are completed by real shells, from the state and from what installed addons declare."""

from __future__ import annotations

import os
import pty
import select
import sqlite3
import subprocess
import sys
import time

import pytest

import addonkit
from addonkit import AddonDefinition, ProvisionResult, Saga, VariantDefinition, hookimpl
from addonkit.cli.candidates import candidates
from addonkit.cli.declarations import installed_addons
from addonkit.saga.step import step


@step(gives="result", undo=None)
async def give() -> ProvisionResult:
    return ProvisionResult()


class Shelf:
    """An addon that makes nothing."""

    @hookimpl
    def addon_definition(self):
        variants = (VariantDefinition("small"), VariantDefinition("shared"))
        return AddonDefinition("shelf", "Shelf", "", "small", variants, default_version="18")

    @hookimpl
    def addon_provision(self):
        return Saga("shelf.provision", steps=[give])

    @hookimpl
    def addon_deprovision(self):
        return Saga("shelf.deprovision", steps=[])


@pytest.fixture
async def state(home):
    """A home with two apps."""
    registry = addonkit.Registry()
    registry.register(Shelf(), "shelf")
    async with addonkit.open(home, registry=registry) as kit:
        await kit.create("shelf:small", "shop")
        await kit.create("shelf:shared", "shop", alias="archive")
        await kit.create("shelf", "blog")
    return home


@pytest.fixture
def no_other_addons(monkeypatch):
    monkeypatch.setenv("ADDONKIT_BLOCK", "postgresql,s3-remote,valkey")
    installed_addons.cache_clear()
    yield
    installed_addons.cache_clear()


@pytest.mark.usefixtures("no_other_addons")
@pytest.mark.parametrize(
    ("kind", "params", "typed", "found"),
    [
        ("app", {}, "", ["blog", "shop"]),
        ("app", {}, "sh", ["shop"]),
        ("instance", {}, "shop-", ["shop-archive", "shop-shelf"]),
        ("instance", {"app": "shop"}, "", ["archive", "blog-shelf", "shelf", "shop-archive", "shop-shelf"]),
        ("addon", {}, "", ["shelf"]),
        ("spec", {}, "shelf:s", ["shelf:shared", "shelf:small"]),
        ("version", {"spec": "shelf:small"}, "", ["18"]),
        ("version", {"instance": "shop-archive"}, "", ["18"]),
        ("version", {"spec": "other"}, "", []),
        ("option", {"spec": "shelf"}, "", []),
        ("execution", {}, "provision/nope", []),
    ],
)
async def test_names_come_from_the_state(state, kind, params, typed, found):
    assert candidates(kind, params, typed, str(state)) == found


@pytest.mark.parametrize(
    ("kind", "params", "typed", "found"),
    [
        ("addon", {}, "s", ["s3-remote"]),
        ("spec", {}, "valkey:s", ["valkey:shared", "valkey:small"]),
        ("version", {"spec": "postgresql"}, "", ["18"]),
        ("assignment", {"spec": "postgresql:shared"}, "work", ["work_mem="]),
        ("assignment", {"spec": "postgresql:shared"}, "max_conn", []),
        ("option", {"spec": "postgresql"}, "max_conn", ["max_connections"]),
        ("variant", {"addon": "valkey", "variant": "small"}, "", ["cache", "shared"]),
        ("role", {"addon": "valkey"}, "", ["owner", "read-only"]),
        ("setting", {"addon": "s3-remote"}, "endp", ["endpoint="]),
        ("setting", {"addon": "nope"}, "", []),
    ],
)
def test_what_addons_declare_is_offered_before_anything_exists(home, kind, params, typed, found):
    assert candidates(kind, params, typed, str(home)) == found
    assert not list(home.iterdir())


async def test_keys_are_offered_that_an_app_has(home):
    async with addonkit.open(home, registry=addonkit.Registry()) as kit:
        await kit.set_variables("shop", {"DEBUG": "1"})
        await kit.set_variables("blog", {"OTHER": "1"})
    assert candidates("key", {"app": "shop"}, "", str(home)) == ["DEBUG"]
    assert candidates("manual", {"app": "shop"}, "", str(home)) == ["DEBUG"]


def test_a_state_of_another_version_completes_what_addons_declare(home):
    with sqlite3.connect(home / "state.db") as state:
        state.execute("CREATE TABLE entity (kind, name, data, created)")
        state.execute("INSERT INTO entity VALUES ('addon', 'old', '{\"name\": \"old\"}', 0)")
        state.execute("INSERT INTO entity VALUES ('instance', 'old', '[1]', 0)")
        state.execute("CREATE TABLE entity_index (kind, name, field, value)")
    state.close()
    assert candidates("version", {"spec": "valkey"}, "", str(home)) == ["9"]
    assert candidates("spec", {}, "valkey:c", str(home)) == ["valkey:cache"]


@pytest.mark.parametrize("damage", ["missing", "empty", "foreign"])
def test_a_state_that_cannot_be_read_completes_nothing(home, damage):
    home.mkdir(exist_ok=True)
    if damage != "missing":
        (home / "state.db").write_text("" if damage == "empty" else "not a database, but long enough" * 100)
    assert candidates("app", {}, "", str(home)) == []
    assert damage != "missing" or not (home / "state.db").exists()


COMPLETE = """\
eval "$("$1" -m addonkit completion bash)"
addonkit() { "$PYTHON" -m addonkit "$@"; }
COMP_LINE=$2 COMP_POINT=${#2}
_addonkit_completion addonkit 2>&1
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(line, home):
    done = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", sys.executable, line],
        capture_output=True, text=True, check=True, timeout=60,
        env={
            "PATH": os.environ["PATH"], "ADDONKIT_HOME": str(home), "PYTHON": sys.executable,
            "ADDONKIT_BLOCK": "postgresql,s3-remote",
        },
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("addonkit des", ["destroy"]),
        ("addonkit create ", ["shelf", "shelf:shared", "shelf:small", "valkey"]),
        ("addonkit create valkey:c", ["cache"]),
        ("addonkit create valkey --set maxmemory-", ["maxmemory-policy="]),
        ("addonkit create valkey --version ", ["9"]),
        ("addonkit create shelf:s", ["shared", "small"]),
        ("addonkit create shelf:small --version ", ["18"]),
        ("addonkit create shelf -a s", ["shop"]),
        ("addonkit env -a b", ["blog"]),
        ("addonkit list -a ", ["blog", "shop"]),
        ("addonkit destroy shop-a", ["shop-archive"]),
        ("addonkit show -a shop arch", ["archive"]),
        ("addonkit completion ", ["bash", "zsh", "fish"]),
        ("addonkit env -a shop --format d", ["dotenv", "docker"]),
        ("addonkit variants s", ["shelf"]),
    ],
)
async def test_bash_completes(state, line, found):
    assert completed(line, state) == found


SHELLS = {
    "bash": ("--noprofile --rcfile {rc} -i", 'PS1="> "\n'),
    "zsh": ("-f -i", "autoload -Uz compinit; compinit -u\n"),
}


@pytest.fixture
def with_addonkit(state, tmp_path):
    """The environment of a shell that has the command on PATH."""
    (tmp_path / "addonkit").write_text(f'#!/bin/sh\nexec {sys.executable} -m addonkit "$@"\n')
    (tmp_path / "addonkit").chmod(0o755)
    home = {"HOME": str(tmp_path), "ADDONKIT_HOME": str(state)}
    return home | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TERM": "dumb"}


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_shell_completes_for_a_person_who_presses_tab(of_machine, with_addonkit, tmp_path, shell):
    options, begin = SHELLS[shell]
    (tmp_path / "rc").write_text(f'{begin}eval "$(addonkit completion {shell})"\necho rea""dy\n')
    master, slave = pty.openpty()
    words = [of_machine(shell), *options.format(rc=tmp_path / "rc").split()]
    process = subprocess.Popen(
        words, stdin=slave, stdout=slave, stderr=slave, env=with_addonkit, start_new_session=True
    )
    os.close(slave)
    try:
        if shell == "zsh":
            os.write(master, f". {tmp_path}/rc\n".encode())
        _until(master, b"ready")
        os.write(master, b"echo addonkit; addonkit create shelf:sm\t")
        shown = _until(master, b"shelf:small")
        assert b"shelf:shelf" not in shown
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("addonkit create shelf:s", ["shelf:shared", "shelf:small"]),
        ("addonkit show -a shop arch", ["archive"]),
        ("addonkit env -a b", ["blog"]),
    ],
)
async def test_fish_completes(of_machine, with_addonkit, line, found):
    assert by_fish(of_machine("fish"), line, with_addonkit) == found


def by_fish(fish, line, environ):
    ask = f"addonkit completion fish | source; complete -C '{line}'"
    done = subprocess.run(
        [fish, "--no-config", "-c", ask], env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    return [each.partition("\t")[0] for each in done.stdout.split("\n") if each]


def _until(master, words):
    shown = b""
    end = time.monotonic() + 60
    while words not in shown:
        assert time.monotonic() < end, shown
        if select.select([master], [], [], 1)[0]:
            shown += os.read(master, 4096)
    return shown
