"""addons and variants: what is installed, and what of it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from addonkit.models.compute import FoundProgram
from addonkit.registry.registry import Registry

FAKES = Path(__file__).parents[2] / "addons"


class Backend:
    def find_programs(self, definition):
        return (FoundProgram("/opt/bin", "3.2", "PATH"), FoundProgram("/usr/bin", "3.1", "system"))


@pytest.fixture
def installed(kit, monkeypatch):
    """Make these fake distributions the installed ones."""

    def install(*names, blocked=()):
        paths = [str(FAKES / name) for name in names]
        for path in paths:
            monkeypatch.syspath_prepend(path)
        kit.registry = Registry.discover(paths, blocked)
        kit.backend = Backend()

    return install


def test_usable_addons_are_a_table_and_the_others_are_named(call, installed):
    installed("good-memo", "import-error", "blocked", "rival-one", "rival-two", blocked=("shunned",))
    outcome = call("addons")
    assert outcome.status == 0
    table, _, faults = outcome.out.partition("\n\n")
    assert table.splitlines()[0].split() == ["NAME", "DESCRIPTION", "VARIANTS", "AVAILABLE", "CONFORMANCE"]
    assert len(table.splitlines()) == 2
    assert table.splitlines()[1].startswith("memo ")
    assert table.splitlines()[1].endswith("3.2 (default), 3.1  -")
    assert " is broken: " in faults
    assert " is blocked: " in faults
    assert faults.count(" is in conflict: ") == 2
    assert "Traceback" not in faults


def test_traces_are_shown_when_asked_for(call, installed):
    installed("import-error")
    outcome = call("addons", "-v")
    assert outcome.out.startswith("no addons are installed; ")
    assert "Traceback (most recent call last)" in outcome.out


def test_no_addons_is_no_error(call, installed):
    installed()
    outcome = call("addons")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == (
        "no addons are installed; an addon is a pip package: pip install 'addonkit-postgresql[bundled]' brings one\n"
    )
    assert call("addons", "--json").json == {"addons": []}


def test_addons_for_programs(call, installed):
    installed("good-memo", "import-error")
    good = next(a for a in call("addons", "--json").json["addons"] if a["name"] == "memo")
    assert good["state"] == "ok"
    assert good["group"] == "addonkit.addons"
    assert good["default_variant"] in good["variants"]
    assert good["programs"][0]["version"] == "3.2"
    bad = next(a for a in call("addons", "--json").json["addons"] if a["name"] != "memo")
    assert (bad["state"], bad["programs"], bad["variants"]) == ("broken", [], [])
    assert "Traceback" in bad["trace"]


def test_variants(call, installed):
    installed("good-memo")
    lines = call("variants", "memo").out.splitlines()
    assert lines[0].startswith("VARIANT")
    assert sum("(default)" in line for line in lines) == 1
    document = call("variants", "memo", "--json").json
    assert document["addon"] == "memo"
    assert len(document["variants"]) == len(lines) - 1
    assert [v["default"] for v in document["variants"]].count(True) == 1


def test_variants_of_an_unknown_addon(call, installed):
    installed("good-memo")
    outcome = call("variants", "memos")
    assert (outcome.status, outcome.out) == (1, "")
    assert "did you mean memo?" in outcome.err
