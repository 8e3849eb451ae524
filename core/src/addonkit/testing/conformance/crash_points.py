"""Where an addon is made to fail and a process to die: at every step and undo that the addon itself names. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final

import attrs

from addonkit.testing.conformance.addon_under_test import AddonUnderTest, steps_of

CREATE: Final = "create"
DESTROY: Final = "destroy"
UNDO: Final = "undo"
BIND: Final = "bind"


@attrs.frozen
class CrashPoint:
    """Where a process dies.

    Attributes:
        variant: of the instance.
        during: CREATE, DESTROY or UNDO.
        fault: for ADDONKIT_FAULT.
        must_happen: False in sagas that a step only may start.
    """

    variant: str
    during: str
    fault: str
    must_happen: bool = True

    def __str__(self) -> str:
        points = "-".join(each.partition("=")[0] for each in self.fault.split(","))
        return f"{self.variant}-{self.during}-{points}"


@attrs.frozen
class Failing:
    """A step that fails.

    Attributes:
        variant: of the instance.
        during: CREATE, BIND or DESTROY.
        step: its name.
        first: the first step of its saga.
    """

    variant: str
    during: str
    step: str
    first: str

    def __str__(self) -> str:
        return f"{self.variant}-{self.step}" if self.during != DESTROY else f"{self.variant}-{DESTROY}-{self.step}"


def crash_points(under_test: AddonUnderTest) -> list[CrashPoint]:
    """Before and after each step's effect, after each undo's, and when a saga's last step is journaled.

    Servers are made and removed in sagas of their own. A shared server's second tenant does not go through these: they
    are tried with the variants whose instances have servers to themselves. Of variants that differ in size
    alone the first is tried.
    """
    return [
        crash
        for variant in _kinds(under_test)
        for crash in (*_in_steps(under_test, variant), *_in_undos(under_test, variant))
    ]


def _kinds(under_test: AddonUnderTest) -> list[str]:
    """Return one variant of each kind, the first."""
    kinds = {_kind(under_test, variant): variant for variant in reversed(under_test.variants)}
    return [variant for variant in under_test.variants if variant in kinds.values()]


def _kind(under_test: AddonUnderTest, variant: str) -> Hashable:
    """What is the same for variants that differ in size alone: steps, variables, and the words of the config."""
    sagas = (*under_test.creating(variant), *under_test.destroying(variant))
    steps = tuple(each.name for each, _ in steps_of(*sagas, nested=True))
    found = under_test.definition.variant(variant)
    words = frozenset(found.config) if found else frozenset()
    return (steps, under_test.is_shared(variant), words, under_test.definition.variables_of(variant))


def _in_steps(under_test: AddonUnderTest, variant: str) -> Iterator[CrashPoint]:
    nested = not under_test.is_shared(variant)
    for during, sagas in ((CREATE, under_test.creating(variant)), (DESTROY, under_test.destroying(variant))):
        for each, inner in steps_of(*sagas, nested=nested):
            for when in ("before", "after"):
                yield CrashPoint(variant, during, f"{when}:{each.name}=kill", not inner)
        for saga in sagas:
            yield CrashPoint(variant, during, f"journal:{saga.step_names[-1]}=kill")


def _in_undos(under_test: AddonUnderTest, variant: str) -> Iterator[CrashPoint]:
    """What fails is the last step of its saga, so that everything of it is undone."""
    for saga in under_test.creating(variant):
        started = () if under_test.is_shared(variant) else tuple(inner for each in saga.steps for inner in each.runs)
        for one in (saga, *started):
            for each in one.steps:
                if each.undo_function is not None:
                    fault = f"after:{one.step_names[-1]}=raise,undo:{each.name}=kill"
                    yield CrashPoint(variant, UNDO, fault, one is saga)


def failures(under_test: AddonUnderTest) -> list[Failing]:
    """The steps that are to fail in turn; of variants that differ in size alone, those of the first."""
    return [failing for variant in _kinds(under_test) for failing in _failures(under_test, variant)]


def _failures(under_test: AddonUnderTest, variant: str) -> Iterator[Failing]:
    nested = not under_test.is_shared(variant)
    kinds = (CREATE, BIND)
    for during, saga in zip(kinds, under_test.creating(variant), strict=False):
        for each, _inner in steps_of(saga, nested=nested):
            yield Failing(variant, during, each.name, saga.step_names[0])
    for saga in under_test.destroying(variant):
        for each, _inner in steps_of(saga, nested=nested):
            yield Failing(variant, DESTROY, each.name, saga.step_names[0])
