"""A released saga does not change its shape by accident."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from addonkit.saga.saga import Saga
from addonkit.saga.step import step
from addonkit.testing.saga_lock import UPDATE, begin_saga_lock, check_saga_lock, sagas_in


@step(gives="user", undo=None)
async def create(name: str) -> str:
    return name


@step(undo=None)
async def grant(user: str) -> None: ...


def released(version: int = 1, *, steps: Any = (create, grant), name: str = "test.saga", **options: Any) -> Saga[Any]:
    return Saga(name, version=version, steps=steps, inputs=("name",), **options)


@pytest.fixture(autouse=True)
def _no_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(UPDATE, raising=False)


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file of `released(2)`."""
    path = tmp_path / "sagas.lock.json"
    with monkeypatch.context() as patch:
        patch.setenv(UPDATE, "1")
        check_saga_lock(path, [released(2)])
    return path


def problem(lock: Path, *sagas: Saga[Any]) -> str:
    with pytest.raises(AssertionError) as caught:
        check_saga_lock(lock, sagas)
    return str(caught.value)


def test_the_same_shape_passes(lock: Path) -> None:
    check_saga_lock(lock, [released(2)])
    check_saga_lock(lock, [released(2).bind(name="bound"), released(2)])


def test_the_file_is_readable_json(lock: Path) -> None:
    assert json.loads(lock.read_text()) == {"test.saga": released(2).shape()}
    assert lock.read_text().endswith("}\n")


@pytest.mark.parametrize(
    "changed",
    [
        released(2, steps=(create,)),
        Saga("test.saga", version=2, steps=(create, grant), inputs=("name", "size")),
        released(2, resumes_from=(1,)),
    ],
    ids=["a step less", "an input more", "resumes from more"],
)
def test_a_changed_shape_needs_a_new_version(lock: Path, changed: Saga[Any]) -> None:
    assert problem(lock, changed) == (
        "saga test.saga: its shape changed and its version is still 2; make it 3 and say what it resumes from"
    )


def test_a_step_that_takes_or_gives_something_else_is_a_changed_shape(lock: Path) -> None:
    @step(gives="user", undo=None)
    async def create(name: str, variant: object) -> str:
        return name

    assert "its shape changed" in problem(lock, released(2, steps=(create, grant)))


def test_a_version_does_not_go_back(lock: Path) -> None:
    assert problem(lock, released(1)) == "saga test.saga: its version went back from 2 to 1"


def test_a_new_version_is_written_down(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = released(3, resumes_from=(2,))
    assert "the lock file has version 2 of it, not 3; set ADDONKIT_SAGA_LOCK_UPDATE=1" in problem(lock, newer)

    monkeypatch.setenv(UPDATE, "1")
    check_saga_lock(lock, [newer])
    monkeypatch.delenv(UPDATE)

    check_saga_lock(lock, [newer])


def test_new_and_vanished_sagas_are_named_all_at_once(lock: Path) -> None:
    lines = problem(lock, released(name="test.new")).splitlines()

    assert [line.partition(";")[0] for line in lines] == [
        "saga test.new: the lock file does not know it",
        "saga test.saga: it is gone",
    ]


def test_without_a_file_it_is_told_how_to_get_one(tmp_path: Path) -> None:
    assert problem(tmp_path / "missing.json", released()) == (
        "missing.json is not there; set ADDONKIT_SAGA_LOCK_UPDATE=1 to write it, and commit it"
    )


def test_a_file_is_begun_where_somebody_can_commit_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sagas.json"
    monkeypatch.setenv("CI", "true")
    begin_saga_lock(path, [released()])
    assert not path.exists()

    monkeypatch.delenv("CI")
    begin_saga_lock(path, [released()])
    check_saga_lock(path, [released()])


def test_a_file_that_is_there_is_not_begun_anew(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    begin_saga_lock(lock, [released(3)])
    assert "not 3" in problem(lock, released(3))


def test_two_different_sagas_of_one_name_are_refused(lock: Path) -> None:
    with pytest.raises(ValueError, match=r"two different sagas are named test\.saga"):
        check_saga_lock(lock, [released(2), released(3)])


def test_sagas_of_a_module_are_found_also_in_values_and_steps() -> None:
    @step(undo=None, runs=[released(name="test.d")])
    async def start() -> None: ...

    @attrs.frozen
    class Both:
        make: Saga[Any]
        remove: Saga[Any]

    module = ModuleType("addon")
    module.__dict__.update(
        B=released(name="test.b", steps=(create, start)),
        servers=Both(released(name="test.c"), released(name="test.a")),
        other=7,
        again=None,
    )
    module.__dict__["again"] = module.__dict__["B"]

    assert [saga.name for saga in sagas_in(module)] == ["test.a", "test.b", "test.c", "test.d"]
