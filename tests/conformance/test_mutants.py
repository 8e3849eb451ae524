"""The kit is honest: it passes a good addon, and catches each broken one by the check that is meant to."""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from addonkit.testing import AddonConformance, prefork

pytest_plugins = ("pytester",)

HERE = Path(__file__).parent
MUTANTS = sorted(
    path.stem
    for path in (HERE / "mutants").glob("*.py")
    if path.stem
    not in {
        "__init__",
        "depot",
        "depot_backups",
        "depot_server",
        "secure_depot",
        "distant",
        "named",
        "rotates",
        "one_url_only",
        "one_key_only",
    }
)

AT_EVERY_STEP = ("a_step_that_fails_leaves_nothing", "a_crash_at_any_point_is_recovered_from")


def run(folder: Path, module: str, *words: str, **more: str) -> tuple[int, dict, str]:
    """Install what a module of the mutants names, and run `addonkit conformance` on it; status, report and output."""
    info = folder / "depot-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: depot\nVersion: 1.0\n")
    client = getattr(facts_of(module), "CLIENT", "mutants.depot:Client")
    entry_points = {"addonkit.addons": f"mutants.{module}:ADDON", "addonkit.conformance": client}
    (info / "entry_points.txt").write_text("".join(f"[{k}]\ndepot = {v}\n" for k, v in entry_points.items()))
    environ = {name: value for name, value in os.environ.items() if name != "CI"}
    environ |= {"PYTHONPATH": os.pathsep.join([str(folder), str(HERE)])} | more
    status, out, err = prefork.run(["conformance", "depot", "-j", "1", *words], environ, "", 590, folder)
    report = folder / "conformance.json"
    return status, json.loads(report.read_text()) if report.exists() else {}, out + err


def facts_of(module: str) -> ModuleType:
    """The module of a mutant: CAUGHT_BY, the check and case that must catch it; SAYS, a part of what that says."""
    sys.path.insert(0, str(HERE))
    try:
        return importlib.import_module(f"mutants.{module}")
    finally:
        sys.path.remove(str(HERE))


def _is_left(mutant: str) -> bool:
    """Whether `make test` leaves it out: it takes one of eighteen, and none that every step catches anew."""
    return bool(MUTANTS.index(mutant) % 18) or facts_of(mutant).CAUGHT_BY.startswith(AT_EVERY_STEP)


LITTERING = ("copies_elsewhere", "password_in_file", "server_litters")


@pytest.fixture
def tidy(request: pytest.FixtureRequest) -> Iterator[None]:
    """Removes what a broken addon leaves in /tmp. Such tests run one at a time: each would remove another's."""
    if request.node.callspec.params["mutant"] not in LITTERING:
        yield
        return
    with Path(__file__).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
        for folder in {"/tmp", tempfile.gettempdir()}:
            for path in Path(folder).glob("depot-litter-*"):
                path.unlink(missing_ok=True)


@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize(
    "mutant",
    [pytest.param(each, marks=[pytest.mark.slow] if _is_left(each) else []) for each in MUTANTS],
)
def test_a_broken_addon_is_caught(tmp_path: Path, mutant: str) -> None:
    facts = facts_of(mutant)
    name, _, case = facts.CAUGHT_BY.rstrip("]").partition("[")
    if "shapes" in name:
        assert run(tmp_path, "depot", "-k", name)[0] == 0, "the good addon writes the lock file"

    status, report, output = run(tmp_path, mutant, "-k", f"{name} and {case}" if case else name)

    messages = {(each["name"], each["case"]): each["message"] for each in report["checks"] if not each["passed"]}
    assert status == 1, output
    assert (name.replace("_", " "), case) in messages, f"{messages}\n{output}"
    assert facts.SAYS in messages[name.replace("_", " "), case]
    assert all("what to do: " in message for message in messages.values())


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 20


def test_every_check_has_caught_one() -> None:
    checks = {name.removeprefix("test_") for name in dir(AddonConformance) if name.startswith("test_")}
    caught = {facts_of(mutant).CAUGHT_BY.partition("[")[0] for mutant in MUTANTS}

    assert checks == caught


def at_steps() -> str:
    """The steps at which mutants are caught crashing and failing; at all steps our own addons do, in the other files."""
    caught = (facts_of(mutant).CAUGHT_BY.rstrip("]").partition("[") for mutant in MUTANTS)
    return " or ".join(sorted({case for name, _, case in caught if name in AT_EVERY_STEP}))


def test_an_addon_that_listens_for_other_machines_passes(tmp_path: Path) -> None:
    status, report, output = run(tmp_path, "secure_depot", "-k", "listens or legal or valid")

    assert status == 0, output
    assert {each["case"] for each in report["checks"] if "listens" in each["name"]} == {"small", "shared"}


@pytest.mark.parametrize("good", ["one_url_only", "one_key_only"])
@pytest.mark.parametrize(
    "words",
    [
        ("-k", "(credentials_open or marked or kept_apart) and shared"),
        pytest.param(("--quick",), marks=pytest.mark.slow),
    ],
)
def test_an_addon_that_gives_one_variable_raises_no_alarm(tmp_path: Path, good: str, words: tuple[str, ...]) -> None:
    status, report, output = run(tmp_path, good, *words)

    assert status == 0, output
    assert len(report["checks"]) >= 4


def test_a_server_that_does_not_get_ready_is_waited_for_twice(tmp_path: Path) -> None:
    status, report, output = run(tmp_path, "never_ready", "-k", "(an_app or plan) and small and not statement")

    said = [each["message"] for each in report["checks"] if not each["passed"]]
    assert status == 1, output
    assert sum("it was not ready" in each for each in said) == 2
    assert all("2 were not ready in their time before" in each for each in said[2:])
    assert len(said) > 4


def test_installed_policies_do_not_judge(tmp_path: Path) -> None:
    info = tmp_path / "strict-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strict\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[addonkit.plugins]\nstrict = strict\n")
    (tmp_path / "strict.py").write_text("raise AssertionError('a policy is imported')")

    status, _, output = run(tmp_path, "depot", "-k", "(an_app_can_use or everywhere) and not shared")

    assert status == 0, output


@pytest.mark.slow
def test_a_quick_run_leaves_out_what_is_slow(tmp_path: Path) -> None:
    status, report, output = run(tmp_path, "distant", "--quick", "-k", "place or marked or crash")

    assert status == 0, output
    assert {"a crash at any point is recovered from"}.isdisjoint(check["name"] for check in report["checks"])
    assert f"{len(report['checks'])} quick checks, 0 failed" in output


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("good", "part"),
    [
        ("depot", "small"),
        ("depot", "shared"),
        ("depot", "not small and not shared"),
        ("distant", ""),
        ("depot_backups", "(data_come_back or fingerprint_tells or killed_backup or are_whole)"),
    ],
)
def test_a_good_addon_passes(tmp_path: Path, good: str, part: str) -> None:
    elsewhere = " and ".join(f"not {name}" for name in AT_EVERY_STEP)
    chosen = f"(({elsewhere}) or {at_steps()})" + (f" and {part}" if part else "")

    status, report, output = run(tmp_path, good, "-k", chosen)

    assert status == 0, output
    assert report["passed"]
    if not part:
        assert {check["case"] for check in report["checks"]} >= set(report["variants"])
    assert (tmp_path / "conformance.xml").read_text().count("<testcase") == len(report["checks"])


def test_a_report_shows_no_secret(tmp_path: Path) -> None:
    password = facts_of("wrong_login").PASSWORD.reveal()
    status, _, output = run(tmp_path, "wrong_login", "-k", "an_app_can_use_what_it_gets and small")

    written = [(tmp_path / name).read_text() for name in ("conformance.json", "conformance.xml")]
    assert status == 1
    for text in (output, *written):
        assert password not in text
        assert "*** is refused" in text


def test_the_first_run_writes_the_lock_file_and_a_robot_asks_for_it(tmp_path: Path) -> None:
    status, report, _ = run(tmp_path, "depot", "-k", "shapes", CI="true")

    assert status == 1
    assert "depot.sagas.json is not there" in report["checks"][0]["message"]
    assert run(tmp_path, "depot", "-k", "shapes")[0] == 0
    assert "depot.provision" in (tmp_path / "depot.sagas.json").read_text()
    assert run(tmp_path, "depot", "-k", "shapes", CI="true")[0] == 0


def test_settings_of_pytest_count_for_nothing(tmp_path: Path) -> None:
    status, report, output = run(tmp_path, "illegal_names", "-k", "legal", PYTEST_ADDOPTS="--deselect ::TestAddon")

    assert status == 1, output
    assert len(report["checks"]) == 1


def replaced(*bases: type, **attributes: object) -> type:
    return type("TestMine", bases, {"addon": "depot", **attributes})


@pytest.mark.parametrize("name", ["test_secrets_are_marked", "rig", "pytest_generate_tests"])
def test_a_check_cannot_be_replaced(name: str) -> None:
    with pytest.raises(TypeError, match=f"replaces {name} of the conformance kit"):
        replaced(AddonConformance, **{name: lambda self: None})
    with pytest.raises(TypeError, match=f"replaces {name} of the conformance kit"):
        replaced(type("Mixin", (), {name: lambda self: None}), AddonConformance)


@pytest.mark.parametrize(
    "change", ["TestMine.test_secrets_are_marked = lambda self: None", "TestMine.pytestmark = pytest.mark.skip"]
)
def test_a_check_cannot_be_taken_away_later(pytester: pytest.Pytester, change: str) -> None:
    pytester.makepyfile(f"""
        import pytest
        from addonkit.testing import AddonConformance, prefork

        class TestMine(AddonConformance):
            addon = "valkey"

        {change}
    """)

    ended = pytester.runpytest("-p", "no:asyncio", "-k", "marked")

    assert ended.ret != 0
    ended.stdout.re_match_lines([".*(replaces test_secrets_are_marked|skips the conformance kit).*"])


def test_checks_can_be_added() -> None:
    assert type("TestMine", (AddonConformance,), {"addon": "depot", "test_more": lambda self: None})
