"""What `addonkit new` writes installs, passes the conformance kit, and gives something real at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind


@pytest.fixture
def addonkit_command(home: Path) -> CommandLine:
    return CommandLine(home)


KINDS = pytest.mark.parametrize(("kind", "name"), [("server", "my-store"), ("remote", "else-where")])


def new_project(command: CommandLine, folder: Path, kind: str, name: str) -> Path:
    written = command("new", name, "--kind", kind, "--directory", str(folder))
    assert written.status == 0, written.err
    return folder / f"addonkit-{name}"


def run(project: Path, *words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)


@KINDS
@pytest.mark.timeout(600)
def test_a_new_distribution_works_as_it_is(
    tmp_path: Path, addonkit_command: CommandLine, installed: Callable[[Path], Path], kind: str, name: str
) -> None:
    project = new_project(addonkit_command, tmp_path, kind, name)
    files = [path for path in project.rglob("*") if path.is_file()]
    assert len(files) <= 9
    assert not [path for path in files if "acme" in (path.read_text() + str(path.relative_to(tmp_path))).lower()]

    environ = addonkit_command.environment() | {"PYTHONPATH": str(installed(project))}
    environ.pop("CI", None)
    pytest_words = ("pytest", "-q", "-p", "no:cacheprovider", str(project))
    tested = run(project, *pytest_words, environ=environ)

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert (project / f"tests/{name}.sagas.json").exists(), "shapes of sagas are locked from the start"
    on_ci = run(project, *pytest_words, "-k", "shapes", environ=environ | {"CI": "true"})
    assert on_ci.returncode == 0, on_ci.stdout


@KINDS
@pytest.mark.timeout(300)
def test_a_new_distribution_is_clean(tmp_path: Path, addonkit_command: CommandLine, kind: str, name: str) -> None:
    project = new_project(addonkit_command, tmp_path, kind, name)

    for words in (
        ("ruff", "check", "--isolated", "."),
        ("mypy", "--strict", "src", "tests"),
    ):
        checked = run(project, *words)
        assert checked.returncode == 0, f"{words}\n{checked.stdout}{checked.stderr}"


@KINDS
def test_a_new_distribution_is_published_as_it_is_tagged(
    tmp_path: Path, addonkit_command: CommandLine, kind: str, name: str
) -> None:
    project = new_project(addonkit_command, tmp_path, kind, name)
    workflow = yaml.safe_load((project / ".github/workflows/publish.yml").read_text())
    jobs = workflow["jobs"]
    (check,) = (step["run"] for step in jobs["build"]["steps"] if "grep" in step.get("run", ""))

    assert jobs["publish"]["needs"] == "build"
    assert jobs["build"]["needs"] == "test"
    assert [job for job in jobs if "id-token" in jobs[job].get("permissions", {})] == ["publish"]
    for tag, fits in (("v0.1.0", True), ("v0.1.1", False), ("v0.1", False)):
        ended = subprocess.run(["bash", "-ec", check], cwd=project, env={"GITHUB_REF_NAME": tag}, check=False)
        assert (ended.returncode == 0) == fits, tag


def test_advice_names_the_addon_as_users_do(tmp_path: Path, addonkit_command: CommandLine) -> None:
    project = new_project(addonkit_command, tmp_path, "remote", "else-where")

    assert "config set else-where token=-" in (project / "src/addonkit_else_where/service.py").read_text()


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
