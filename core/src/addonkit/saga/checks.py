"""Checks a saga when it is defined: every key has one provider before a step takes it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from addonkit.errors import SagaDefinitionError
from addonkit.saga.step import ENGINE_NAMES, Step


def check(name: str, steps: Sequence[Step], inputs: Sequence[str], version: int, resumes_from: Sequence[int]) -> None:
    """Follow the keys through the steps of a saga.

    Args:
        name: of the saga.
        steps: in the order they run.
        inputs: keys given when the saga is bound or run.
        version: of its shape.
        resumes_from: older versions that it continues.

    Raises:
        SagaDefinitionError: at the first thing that cannot work, naming the saga, the step and the key.
    """
    attempted = f"cannot define saga {name}"
    _check_versions(attempted, version, resumes_from)
    taken = ENGINE_NAMES.intersection(inputs)
    if taken:
        raise SagaDefinitionError(attempted, f"input {min(taken)!r} is a name of the engine's own")
    providers = dict.fromkeys(ENGINE_NAMES, "the engine") | dict.fromkeys(inputs, "the inputs")
    seen: set[str] = set()
    for each in steps:
        if each.name in seen:
            raise SagaDefinitionError(attempted, f"two steps are named {each.name}")
        seen.add(each.name)
        _check_step(attempted, each, providers)


def _check_versions(attempted: str, version: int, resumes_from: Sequence[int]) -> None:
    if version < 1:
        raise SagaDefinitionError(attempted, f"version {version} is less than 1")
    for older in resumes_from:
        if not 1 <= older < version:
            raise SagaDefinitionError(
                attempted, f"it resumes from version {older}, which is not older than its own, {version}"
            )


def _check_step(attempted: str, each: Step, providers: dict[str, str]) -> None:
    """Check one step and add what it gives to the providers."""
    if each.needs_object:
        raise SagaDefinitionError(attempted, f"step {each.name} is a method", f"take it from an object: it.{each.name}")
    if not each.has_undo_decision:
        raise SagaDefinitionError(attempted, f"step {each.name} has no undo", "write one, or undo=None on purpose")
    for name in each.takes.required:
        if name not in providers:
            raise SagaDefinitionError(
                attempted,
                f"nothing provides {name!r}, which step {each.name} takes",
                "name it in inputs or an earlier step",
            )
    outputs = each.output_types()
    _check_undo(attempted, each, outputs, providers)
    for name in outputs:
        if name in providers:
            raise SagaDefinitionError(
                attempted, f"{name!r} is provided twice: by {providers[name]} and by step {each.name}"
            )
        providers[name] = f"step {each.name}"


def _check_undo(attempted: str, each: Step, outputs: Collection[str], providers: Collection[str]) -> None:
    for name in each.undo_takes.required:
        if name in outputs:
            raise SagaDefinitionError(
                attempted,
                f"the undo of step {each.name} takes {name!r}, which does not exist when the step itself failed",
                "give it a default",
            )
        if name not in providers:
            raise SagaDefinitionError(attempted, f"nothing provides {name!r}, which the undo of step {each.name} takes")
