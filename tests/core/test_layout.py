"""Floors are folders: no module is loose at the root, and tests stand in folders of the same names."""

from __future__ import annotations

from pathlib import Path

import addonkit

SOURCE = Path(addonkit.__file__).parent
TESTS = Path(__file__).parent
TESTED_ELSEWHERE = {
    "client": "core/server: it needs a server",
    "scaffold": "packaging: what it writes is installed",
}
AT_THE_ROOT = {"__init__.py", "__main__.py", "_version.py", "api.py", "errors.py", "hookspecs.py", "py.typed"}


def folders(place: Path) -> set[str]:
    return {each.name for each in place.iterdir() if each.is_dir() and any(each.glob("*.py"))}


def test_no_module_is_loose() -> None:
    assert {each.name for each in SOURCE.iterdir() if each.is_file()} == AT_THE_ROOT


def test_folders_of_tests_are_those_of_the_source() -> None:
    assert folders(TESTS) == folders(SOURCE) - set(TESTED_ELSEWHERE)
