"""What `addonkit new` writes, and when it writes nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from addonkit.testing.command import CommandLine


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


@pytest.mark.parametrize("kind", ["server", "remote"])
@pytest.mark.parametrize(("tag", "status"), [("v0.1.0", 0), ("v0.2.0", 1), ("", 1)])
def test_a_tag_that_is_not_the_version_is_not_published(
    tmp_path: Path, addonkit_command: CommandLine, kind: str, tag: str, status: int
) -> None:
    assert addonkit_command("new", "nats", "--kind", kind, "--directory", str(tmp_path)).status == 0
    project = tmp_path / "addonkit-nats"
    workflow = yaml.safe_load((project / ".github/workflows/publish.yml").read_text())
    checks = [each["run"] for each in workflow["jobs"]["publish"]["steps"] if "version" in each.get("name", "")]

    assert len(checks) == 1
    environ = os.environ | {"GITHUB_REF_NAME": tag}
    assert subprocess.run(["bash", "-c", checks[0]], cwd=project, env=environ, check=False).returncode == status


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
