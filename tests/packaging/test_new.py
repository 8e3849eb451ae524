"""What `addonkit new` writes installs, passes the conformance kit, and gives something real at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind


@pytest.fixture
def addonkit_command(home: Path) -> CommandLine:
    return CommandLine(home)


@pytest.mark.parametrize(("kind", "name"), [("server", "my-store"), ("remote", "elsewhere")])
@pytest.mark.timeout(300)
def test_a_new_distribution_works_as_it_is(
    tmp_path: Path, addonkit_command: CommandLine, installed: Callable[[Path], Path], kind: str, name: str
) -> None:
    written = addonkit_command("new", name, "--kind", kind, "--directory", str(tmp_path))
    assert written.status == 0, written.err
    project = tmp_path / f"addonkit-{name}"
    files = [path for path in project.rglob("*") if path.is_file()]
    assert len(files) <= 9
    assert not [path for path in files if "acme" in (path.read_text() + str(path.relative_to(tmp_path))).lower()]

    environ = {"PYTHONPATH": str(installed(project)), "ADDONKIT_SAGA_LOCK_UPDATE": "1"}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(project)],
        cwd=project,
        env=addonkit_command.environment() | environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert (project / f"tests/{name}.sagas.json").exists(), "shapes of sagas are locked from the start"


def test_a_new_server_addon_gives_an_app_something_at_once(
    tmp_path: Path, home: Path, installed: Callable[[Path], Path]
) -> None:
    assert CommandLine(home)("new", "acmes", "--directory", str(tmp_path)).status == 0
    command = CommandLine(home, {"PYTHONPATH": str(installed(tmp_path / "addonkit-acmes"))})

    assert command("create", "acmes", "-a", "shop").status == 0
    assert "ACMES_URL" in command("env", "-a", "shop").out
    assert command("destroy", "shop-acmes", "--yes").status == 0
    assert left_behind(home) == ()


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path, addonkit_command: CommandLine) -> None:
    mine = tmp_path / "addonkit-nats"
    mine.mkdir()
    (mine / "work").write_text("of days")

    refused = addonkit_command("new", "nats", "--directory", str(tmp_path))

    assert refused.status == 1
    assert (
        refused.err == f"error: cannot write addonkit-nats: {mine} is there already; choose another name or directory\n"
    )
    assert [path.name for path in mine.iterdir()] == ["work"]


@pytest.mark.parametrize("name", ["Nats", "1st", "a b", "../up", "", "x" * 64])
def test_a_name_that_no_addon_can_have_is_refused(tmp_path: Path, addonkit_command: CommandLine, name: str) -> None:
    refused = addonkit_command("new", name, "--directory", str(tmp_path))

    assert refused.status == 1
    assert len(refused.err.splitlines()) == 1, refused.err
    assert list(tmp_path.iterdir()) == []
