"""A tag releases one distribution, in the version that its pyproject file says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import release


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of the core and one addon."""
    for folder, name, version in (("core", "addonkit", "0.2.0"), ("plugins/kv", "addonkit-kv", "0.1.0rc1")):
        (tmp_path / folder).mkdir(parents=True)
        text = f'[project]\nname = "{name}"\nversion = "{version}"\n'
        (tmp_path / folder / "pyproject.toml").write_text(text)
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes" / "README.md").write_text("How to write news.\n")
    return tmp_path


@pytest.mark.parametrize(("tag", "folder"), [("addonkit-v0.2.0", "core"), ("addonkit-kv-v0.1.0rc1", "plugins/kv")])
def test_a_tag_names_a_distribution_and_its_version(root: Path, tag: str, folder: str) -> None:
    assert release.folder_of(tag, root) == Path(folder)


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("v0.2.0", "is not DISTRIBUTION-vVERSION"),
        ("addonkit-v", "is not DISTRIBUTION-vVERSION"),
        ("addonkit-v0.2.0; ls", "is not DISTRIBUTION-vVERSION"),
        ("addonkit-v0.2.1", "is for version 0.2.1, core/pyproject.toml has 0.2.0"),
        ("addonkit-mysql-v0.2.0", "names no distribution of this repository: use one of addonkit, addonkit-kv"),
    ],
)
def test_another_tag_is_refused(root: Path, tag: str, found: str) -> None:
    with pytest.raises(release.NotReleasable, match=found):
        release.folder_of(tag, root)


def test_the_core_is_released_with_its_news_in_the_changelog(root: Path) -> None:
    (root / "changes" / "something.added.md").write_text("Something.\n")

    with pytest.raises(release.NotReleasable, match="run `towncrier build`"):
        release.folder_of("addonkit-v0.2.0", root)
    assert release.folder_of("addonkit-kv-v0.1.0rc1", root)


def test_what_is_released_is_built(tmp_path: Path) -> None:
    tag = "addonkit-valkey-v0.1.0"
    command = [sys.executable, release.__file__, tag, "--build", str(tmp_path), "--output", str(tmp_path / "output")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)

    built = sorted(path.name for path in tmp_path.glob("addonkit*"))
    assert built == ["addonkit_valkey-0.1.0-py3-none-any.whl", "addonkit_valkey-0.1.0.tar.gz"]
    assert (tmp_path / "output").read_text() == "distribution=addonkit-valkey\n"
