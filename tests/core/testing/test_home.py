"""Homes of tests leave nothing behind, also of what addonkit keeps beside a home."""

from __future__ import annotations

from pathlib import Path

from addonkit.testing.home import temporary_home


def test_a_home_goes_with_its_backups_and_no_other_directory(tmp_path: Path) -> None:
    neighbour = tmp_path / "addonkit-test-neighbour"
    neighbour.mkdir()
    with temporary_home(tmp_path) as home:
        (home / "pools").mkdir()
        backups = home.with_name(f"{home.name}-backups")
        (backups / "shop-postgresql").mkdir(parents=True)
    assert list(tmp_path.iterdir()) == [neighbour], "only what was there before is left"
