"""What `addonkit new` writes, and when it writes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from addonkit.testing.command import CommandLine

LONGEST = "n" * 63
"""Lines that hold the name are at their longest."""


@pytest.fixture
def addonkit_command(home: Path) -> CommandLine:
    return CommandLine(home)


@pytest.mark.parametrize("kind", ["server", "remote"])
def test_a_new_distribution_is_small_and_bears_its_name(
    tmp_path: Path, addonkit_command: CommandLine, kind: str
) -> None:
    written = addonkit_command("new", "my-store", "--kind", kind, "--directory", str(tmp_path))
    assert written.status == 0, written.err

    files = [path for path in (tmp_path / "addonkit-my-store").rglob("*") if path.is_file()]
    assert len(files) <= 9
    assert not [path for path in files if "acme" in (path.read_text() + str(path.relative_to(tmp_path))).lower()]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("server", "my-store"),
        pytest.param("remote", LONGEST, marks=pytest.mark.slow),
        pytest.param("remote", "else-where", marks=pytest.mark.slow),
        pytest.param("server", LONGEST, marks=pytest.mark.slow),
    ],
)
@pytest.mark.timeout(300)
@pytest.mark.pinned
def test_a_new_distribution_is_clean(tmp_path: Path, addonkit_command: CommandLine, kind: str, name: str) -> None:
    assert addonkit_command("new", name, "--kind", kind, "--directory", str(tmp_path)).status == 0

    for words in (
        ("ruff", "check", "--isolated", "."),
        ("mypy", "--strict", "src", "tests"),
    ):
        checked = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path / f"addonkit-{name}",
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, f"{words}\n{checked.stdout}{checked.stderr}"


def test_advice_names_the_addon_as_users_do(tmp_path: Path, addonkit_command: CommandLine) -> None:
    assert addonkit_command("new", "else-where", "--kind", "remote", "--directory", str(tmp_path)).status == 0

    project = tmp_path / "addonkit-else-where"
    assert "config set else-where token=-" in (project / "src/addonkit_else_where/service.py").read_text()


@pytest.mark.parametrize("kind", ["server", "remote"])
def test_a_new_distribution_is_published_as_it_is_tagged(
    tmp_path: Path, addonkit_command: CommandLine, kind: str
) -> None:
    assert addonkit_command("new", "nats", "--kind", kind, "--directory", str(tmp_path)).status == 0
    project = tmp_path / "addonkit-nats"
    jobs = yaml.safe_load((project / ".github/workflows/publish.yml").read_text())["jobs"]
    (check,) = (step["run"] for step in jobs["build"]["steps"] if "grep" in step.get("run", ""))

    assert [jobs[job]["needs"] for job in ("publish", "build")] == ["build", "test"]
    assert [job for job in jobs if "id-token" in jobs[job].get("permissions", {})] == ["publish"]
    for tag, fits in (("v0.1.0", True), ("v0.1.1", False), ("v0.1", False)):
        ended = subprocess.run(["bash", "-ec", check], cwd=project, env={"GITHUB_REF_NAME": tag}, check=False)
        assert (ended.returncode == 0) == fits, tag


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
