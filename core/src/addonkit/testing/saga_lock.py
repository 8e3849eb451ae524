"""Freezes the shapes of released sagas: a test compares them with a file, so that an upgrade orphans no execution.

    def test_released_sagas_keep_their_shape():
        check_saga_lock(Path(__file__).with_name("sagas.lock.json"), sagas_in(addonkit_postgresql.provision))

Run it once with `ADDONKIT_SAGA_LOCK_UPDATE=1` to write the file, and commit the file. Run it so again when a version
was added on purpose. Until the first release of a saga its shape may change freely: write the file anew.
The conformance kit begins a missing file by itself. It does not in CI (`CI` is set): no person would commit it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs

from addonkit.saga.saga import Saga
from addonkit.util.files import replace_open

UPDATE: Final = "ADDONKIT_SAGA_LOCK_UPDATE"
"""Environment variable that makes `check_saga_lock` write the file instead of comparing with it."""

Shapes = Mapping[str, Mapping[str, Any]]


def sagas_in(*modules: ModuleType) -> tuple[Saga[Any], ...]:
    """Return the sagas of modules by name: their globals, those that attrs values hold, those that steps start."""
    found = {id(saga): saga for module in modules for value in vars(module).values() for saga in _sagas(value)}
    return tuple(sorted(found.values(), key=lambda saga: saga.name))


def check_saga_lock(path: Path, sagas: Iterable[Saga[Any]]) -> None:
    """Compare the shapes of sagas with those in the file.

    Args:
        path: of the file, JSON; written when `ADDONKIT_SAGA_LOCK_UPDATE` is set, which is the way to accept changes.
        sagas: all whose executions may be found unfinished after an upgrade.

    Raises:
        AssertionError: naming each saga that is gone, whose version went back, or whose shape changed under its
            version. It also names each one that the file does not know in its present version.
        ValueError: two different sagas have one name.
    """
    shapes = _shapes(sagas)
    if os.environ.get(UPDATE):
        _write(path, shapes)
        return
    if not path.exists():
        raise AssertionError(f"{path.name} is not there; set {UPDATE}=1 to write it, and commit it")
    locked: Shapes = json.loads(path.read_text(encoding="utf-8"))
    names = sorted({*locked, *shapes})
    problems = {name: _problem(locked.get(name), shapes.get(name)) for name in names}
    lines = [f"saga {name}: {problem}" for name, problem in problems.items() if problem]
    if lines:
        raise AssertionError("\n".join(lines))


def begin_saga_lock(path: Path, sagas: Iterable[Saga[Any]]) -> None:
    """Write the file when there is none yet; in CI, which keeps no files, do nothing.

    Raises:
        ValueError: two different sagas have one name.
    """
    if not path.exists() and not os.environ.get("CI"):
        _write(path, _shapes(sagas))


def _write(path: Path, shapes: Shapes) -> None:
    replace_open(path, (json.dumps(shapes, indent=1, sort_keys=True) + "\n").encode())


def _sagas(value: Any) -> Iterator[Saga[Any]]:
    if isinstance(value, Saga):
        yield value
        yield from (inner for step in value.steps for started in step.runs for inner in _sagas(started))
    elif attrs.has(type(value)):
        fields = (getattr(value, field.name, None) for field in attrs.fields(type(value)))
        yield from (saga for field in fields if isinstance(field, Saga) for saga in _sagas(field))


def _shapes(sagas: Iterable[Saga[Any]]) -> dict[str, dict[str, Any]]:
    shapes: dict[str, dict[str, Any]] = {}
    for saga in sagas:
        if shapes.setdefault(saga.name, saga.shape()) != saga.shape():
            raise ValueError(f"two different sagas are named {saga.name}")
    return shapes


def _problem(locked: Mapping[str, Any] | None, shape: Mapping[str, Any] | None) -> str:
    """Return what is wrong with the shape of one saga; empty when nothing is."""
    if locked == shape:
        return ""
    accept = f"set {UPDATE}=1 to write the lock file anew"
    if shape is None:
        return f"it is gone; unfinished executions of it could not continue; {accept} when there are none"
    if locked is None:
        return f"the lock file does not know it; {accept}"
    before, now = locked["version"], shape["version"]
    if now < before:
        return f"its version went back from {before} to {now}"
    if now == before:
        return f"its shape changed and its version is still {now}; make it {now + 1} and say what it resumes from"
    return f"the lock file has version {before} of it, not {now}; {accept}"
