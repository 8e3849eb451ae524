"""The kit is honest: it passes a good addon, and catches each broken one by the check that is meant to."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from addonkit.testing import AddonConformance

HERE = Path(__file__).parent
MUTANTS = sorted(
    path.stem for path in (HERE / "mutants").glob("*.py") if path.stem not in {"__init__", "depot", "depot_server"}
)


def run(folder: Path, module: str, *words: str, lock: bool = False) -> tuple[int, dict, str]:
    """Install what a module of the mutants names, and run `addonkit conformance` on it; status, report and output."""
    info = folder / "depot-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: depot\nVersion: 1.0\n")
    entry_points = {"addonkit.addons": f"mutants.{module}:ADDON", "addonkit.conformance": "mutants.depot:Client"}
    (info / "entry_points.txt").write_text("".join(f"[{k}]\ndepot = {v}\n" for k, v in entry_points.items()))
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(HERE)])}
    if lock:
        environ["ADDONKIT_SAGA_LOCK_UPDATE"] = "1"
    command = [sys.executable, "-m", "addonkit", "conformance", "depot", *words]
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=150, check=False)
    report = folder / "conformance.json"
    return ended.returncode, json.loads(report.read_text()) if report.exists() else {}, ended.stdout + ended.stderr


def caught_by(module: str) -> tuple[str, str]:
    """The check that must catch it, in words, and its case."""
    sys.path.insert(0, str(HERE))
    try:
        found = importlib.import_module(f"mutants.{module}").CAUGHT_BY
    finally:
        sys.path.remove(str(HERE))
    name, _, case = found.partition("[")
    return name, case.rstrip("]")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_addon_is_caught(tmp_path: Path, mutant: str) -> None:
    name, case = caught_by(mutant)
    assert run(tmp_path, "depot", "-k", "shapes", lock=True)[0] == 0, "the good addon writes the lock file"

    status, report, output = run(tmp_path, mutant, "-k", f"{name} and {case}" if case else name)

    failed = [(check["name"], check["case"]) for check in report["checks"] if not check["passed"]]
    assert status == 1, output
    assert (name.replace("_", " "), case) in failed, f"{failed}\n{output}"
    assert all(
        "what to do" in check["message"] for check in report["checks"] if (check["name"], check["case"]) in failed
    )


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 20


def test_a_good_addon_passes(tmp_path: Path) -> None:
    status, report, output = run(tmp_path, "depot", lock=True)

    assert status == 0, output
    assert report["passed"]
    assert {check["case"] for check in report["checks"]} >= {"small", "shared"}
    assert (tmp_path / "conformance.xml").read_text().count("<testcase") == len(report["checks"])


def test_a_check_cannot_be_replaced() -> None:
    with pytest.raises(TypeError, match="replaces test_secrets_are_marked of the conformance kit"):
        type("TestMine", (AddonConformance,), {"addon": "depot", "test_secrets_are_marked": lambda self: None})
    with pytest.raises(TypeError, match="replaces rig"):
        type("TestMine", (AddonConformance,), {"addon": "depot", "rig": None})


def test_checks_can_be_added() -> None:
    assert type("TestMine", (AddonConformance,), {"addon": "depot", "test_more": lambda self: None})
