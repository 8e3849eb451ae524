"""Points where an addon fails and a process dies: every step and undo that the addon itself names. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Final

import attrs

from addonkit.saga.saga import Saga
from addonkit.testing.conformance.addon_under_test import AddonUnderTest, steps_of

CREATE: Final = "create"
DESTROY: Final = "destroy"
UNDO: Final = "undo"
BIND: Final = "bind"

THEN_DESTROY: Final = "-then-destroy"
"""End of the name of a case whose instance is destroyed after each crash, instead of completed."""


@attrs.frozen
class CrashPoint:
    """A point at which a process dies.

    Attributes:
        fault: for ADDONKIT_FAULT.
        must_happen: False in sagas that a step only may start.
    """

    fault: str
    must_happen: bool = True


@attrs.frozen
class Crashes:
    """Points at which processes die, one after the other: each takes up what the one before left.

    Attributes:
        variant: of the instance.
        during: CREATE, DESTROY or UNDO.
        saga: what its name says of the saga that is undone; empty for the addon's own.
        goes_on: whether the next process completes the work; it destroys the instance otherwise, at each point anew.
        points: in the order in which they are passed.
    """

    variant: str
    during: str
    saga: str
    goes_on: bool
    points: tuple[CrashPoint, ...]

    def __str__(self) -> str:
        name = "-".join(filter(None, (self.variant, self.during, self.saga)))
        return name if self.goes_on else f"{name}{THEN_DESTROY}"


@attrs.frozen
class Failing:
    """Steps of a saga that fail, one after the other.

    Attributes:
        variant: of the instance.
        during: CREATE, BIND or DESTROY.
        steps: their names.
        first: the first step of the saga itself.
    """

    variant: str
    during: str
    steps: tuple[str, ...]
    first: str

    def __str__(self) -> str:
        return f"{self.variant}-{self.during}"


def crashes(under_test: AddonUnderTest) -> list[Crashes]:
    """Before and after each step's effect, after each undo's, and when a saga's last step is journaled.

    Servers are made and removed in sagas of their own. A shared server's second tenant does not go through these: they
    are tried with the variants whose instances have servers to themselves. Of variants that differ in size
    alone the first is tried. What is destroyed after a crash is tried after each effect: before the next one the same
    undos run, see `failures` for those that undo nothing.
    """
    return [
        each
        for variant in _kinds(under_test)
        for each in (*_in_steps(under_test, variant), *_in_undos(under_test, variant))
    ]


def _kinds(under_test: AddonUnderTest) -> list[str]:
    """Return one variant of each kind, the first."""
    kinds = {_kind(under_test, variant): variant for variant in reversed(under_test.variants)}
    return [variant for variant in under_test.variants if variant in kinds.values()]


def _kind(under_test: AddonUnderTest, variant: str) -> Hashable:
    """Return what is the same for variants that differ in size alone: steps, variables, and the words of the config."""
    sagas = (*under_test.creating(variant), *under_test.destroying(variant))
    steps = tuple(each.name for each, _ in steps_of(*sagas, nested=True))
    found = under_test.definition.variant(variant)
    words = frozenset(found.config) if found else frozenset()
    return (steps, under_test.is_shared(variant), words, under_test.definition.variables_of(variant))


def _in_steps(under_test: AddonUnderTest, variant: str) -> Iterator[Crashes]:
    nested = not under_test.is_shared(variant)
    creating = tuple(point for saga in under_test.creating(variant) for point in _points(saga, nested=nested))
    yield Crashes(variant, CREATE, "", goes_on=True, points=creating)
    yield Crashes(variant, CREATE, "", goes_on=False, points=tuple(_with_effect(creating)))
    destroying = tuple(point for saga in under_test.destroying(variant) for point in _points(saga, nested=nested))
    yield Crashes(variant, DESTROY, "", goes_on=True, points=destroying)


def _points(saga: Saga[Any], *, nested: bool) -> Iterator[CrashPoint]:
    for each, inner in steps_of(saga, nested=nested):
        for when in ("before", "after"):
            yield CrashPoint(f"{when}:{each.name}=kill", not inner)
    yield CrashPoint(f"journal:{saga.step_names[-1]}=kill")


def _with_effect(points: tuple[CrashPoint, ...]) -> Iterator[CrashPoint]:
    """Yield those at which another effect has happened than at the one before, and the first."""
    yield from (each for each in points if each == points[0] or not each.fault.startswith("before:"))


def _in_undos(under_test: AddonUnderTest, variant: str) -> Iterator[Crashes]:
    """Yield what fails is the last step of its saga, so that everything of it is undone."""
    for number, saga in enumerate(under_test.creating(variant)):
        started = () if under_test.is_shared(variant) else tuple(inner for each in saga.steps for inner in each.runs)
        for one in (saga, *started):
            last = one.step_names[-1]
            points = tuple(
                CrashPoint(f"after:{last}=raise,undo:{each.name}=kill", one is saga)
                for each in reversed(one.steps)
                if each.undo_function is not None
            )
            if points:
                name = one.name.rpartition(".")[2] if number or one is not saga else ""
                yield from (Crashes(variant, UNDO, name, goes_on, points) for goes_on in (True, False))


def failures(under_test: AddonUnderTest) -> list[Failing]:
    """Return the steps that are to fail in turn; of variants that differ in size alone, those of the first."""
    return [failing for variant in _kinds(under_test) for failing in _failures(under_test, variant)]


def _failures(under_test: AddonUnderTest, variant: str) -> Iterator[Failing]:
    nested = not under_test.is_shared(variant)
    for during, saga in zip((CREATE, BIND), under_test.creating(variant), strict=False):
        names = tuple(each.name for each, _inner in steps_of(saga, nested=nested))
        yield Failing(variant, during, names, saga.step_names[0])
    destroying = under_test.destroying(variant)
    names = tuple(each.name for each, _inner in steps_of(*destroying, nested=nested))
    yield Failing(variant, DESTROY, names, destroying[0].step_names[0])
