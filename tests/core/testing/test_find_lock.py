"""`addonkit conformance` compares with the file that the addon's own tests keep."""

from __future__ import annotations

from pathlib import Path

from addonkit.testing.conformance.session import find_lock


def test_a_file_of_the_tests_is_found_from_the_project(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    kept = tmp_path / "tests/kv.sagas.json"
    kept.write_text("{}")

    assert find_lock("kv", tmp_path) == kept
    assert find_lock("kv", tmp_path / "tests") == kept


def test_one_of_the_folder_itself_wins(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    for place in (tmp_path, tmp_path / "tests"):
        (place / "kv.sagas.json").write_text("{}")

    assert find_lock("kv", tmp_path) == tmp_path / "kv.sagas.json"


def test_a_new_one_is_begun_where_the_command_runs(tmp_path: Path) -> None:
    assert find_lock("kv", tmp_path) == tmp_path / "kv.sagas.json"
