"""Mutants made by machine: what the operators change, and one that runs through the kit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"

SOURCE = """
async def create(admin, name):
    await admin.run("GRANT ALL", name)
    return name


def rules(config, prefix):
    return ("resetkeys", f"~{prefix}*", "-@all", config["memory"])


SAGA = Saga("x", steps=(one, two))
VARIABLES = (Variable("A", user), Variable("B", password))
PROGRAM = Program(argv=("x",), probe=probe)
"""

CHANGED = {
    "drop a statement": ("pass\n    return name",),
    "drop a step": ("steps=(two,)", "steps=(one,)"),
    "drop a rule": ("(*(), f", '*(), config["memory"]'),
    "drop SQL": ("'SELECT 1 -- GRANT ALL'",),
    "swap variables": ('Variable("A", password)',),
    "widen a pattern": ('f"~*"',),
    "ignore config": ("'33mb'",),
    "drop a part": ('Program(argv=("x",), **{})',),
}


@pytest.fixture(scope="module")
def operators() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        import mutation.operators

        yield mutation.operators
        for name in [each for each in sys.modules if each.partition(".")[0] == "mutation"]:
            del sys.modules[name]


def test_each_operator_changes_one_place(operators: ModuleType) -> None:
    found = operators.mutations(SOURCE, {"memory": "64mb"})

    assert {each.operator for each in found} == set(CHANGED) == set(operators.OPERATORS)
    for operator, texts in CHANGED.items():
        sources = [each.source for each in found if each.operator == operator]
        assert len(sources) == len(texts)
        assert all(any(text in source for source in sources) for text in texts), sources
    assert all(each.source.count("\n") == SOURCE.count("\n") for each in found)
    assert {each.operator: each.statement for each in found if each.line < 10} == {
        "drop a statement": 3,
        "drop SQL": 3,
        "drop a rule": 8,
        "widen a pattern": 8,
        "ignore config": 8,
    }
    assert {each.statement for each in found if each.line > 10} == {0}


@pytest.mark.usefixtures("operators")
def test_checks_of_a_config_judge_with_each_variant() -> None:
    import mutation.judge as judging
    from mutation.reach import Case

    names = ("data_live_on_the_disk", "the_server_is_what_the_variant_says")
    cases = [Case(name, variant) for name in names for variant in ("large", "shared", "small")]

    kept = judging.of_two_kinds(cases, "small")

    assert {case.case for case in kept if case.name == names[0]} == {"shared", "small"}
    assert {case.case for case in kept if case.name == names[1]} == {"large", "shared", "small"}


def test_what_a_container_alone_has_is_left_alone(operators: ModuleType) -> None:
    source = "def container(server):\n    server.run('x')\n"

    assert not operators.mutations(source, {})


@pytest.mark.usefixtures("operators")
def test_what_uses_a_constant_is_found_across_modules() -> None:
    from mutation.uses import uses_of

    sources = {
        "one": "A = ('x',)\nB = (*A, 'y')\n\ndef f():\n    return B\n\nADDON = make(C)\nC = 1\n",
        "two": "from one import A, f\n\ndef g(b=1):\n    if b:\n        return A\n",
    }

    assert uses_of("A", sources) == {("one", 5), ("two", 5)}
    assert uses_of("C", sources) is None, "nothing is known of what uses ADDON"


@pytest.mark.usefixtures("operators")
def test_notes_move_with_their_lines() -> None:
    from mutation.notes import moved_lines

    moved = moved_lines("a\nb\nc\nd\ne", "new\na\nb\nx\ny\nd\ne")

    assert moved == {1: [2], 2: [3, 4, 5], 4: [6], 5: [7]}


@pytest.mark.slow
@pytest.mark.usefixtures("operators")
def test_the_tests_that_run_a_change_judge_it(tmp_path: Path) -> None:
    from mutation.mutants import mutants_of
    from mutation.own_tests import OwnTests, sessions
    from mutation.subjects import ROOT, Subject

    subject = Subject("postgresql", ROOT / "plugins" / "postgresql" / "src" / "addonkit_postgresql")
    mutant = next(each for each in mutants_of(subject) if each.place == "postgresql variables variables")
    file = "tests/plugins/postgresql/test_variables.py"
    assert file in [each.file for each in sessions(mutant)]
    broken = tmp_path / "mutant.py"
    broken.write_text(mutant.mutation.source)
    environ = {**subject.environ(), "MUTANT_MODULE": mutant.import_name, "MUTANT_SOURCE": str(broken)}

    assert OwnTests(subject, tmp_path).failure(mutant, environ).startswith(f"{file}::")


@pytest.mark.slow
def test_a_signal_ends_all_that_judges(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(SCRIPTS), "OF_THIS_TEST": str(tmp_path)}
    runner = judging(tmp_path, environ)
    try:
        runner.terminate()

        assert runner.wait(60) == 128 + signal.SIGTERM
        assert started_by(tmp_path) == []
    finally:
        runner.kill()


def judging(place: Path, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a runner, as CI would, and return it once it judges: before that, the unbroken addon has to pass."""
    command = [sys.executable, "-m", "mutation", "river", "--each", "0", "--keep", str(place)]
    runner = subprocess.Popen(command, env={**environ, "CI": "true"}, stdout=subprocess.DEVNULL)
    while not list(place.glob("judging-river/*/mutant.py")):
        assert runner.poll() is None
        time.sleep(0.1)
    return runner


def started_by(place: Path) -> list[str]:
    """Command lines of processes that have inherited the environment of a test."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"OF_THIS_TEST={place}".encode() in (each / "environ").read_bytes():
                found.append((each / "cmdline").read_text())
    return found
