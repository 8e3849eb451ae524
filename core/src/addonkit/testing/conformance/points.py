"""Where an addon is made to fail and a process to die: at every step and undo that the addon itself names. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from addonkit.testing.conformance.subject import Subject, steps_of

CREATE: Final = "create"
DESTROY: Final = "destroy"
UNDO: Final = "undo"
BIND: Final = "bind"


@attrs.frozen
class Death:
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


def deaths(subject: Subject) -> list[Death]:
    """Before and after the effect of every step, after that of every undo, and when a saga's last step is journaled.

    Servers are made and removed in sagas of their own, which a shared server's second tenant does not come through:
    they are tried with the variants whose instances have servers to themselves.
    """
    return [
        death for variant in subject.variants for death in (*_in_steps(subject, variant), *_in_undos(subject, variant))
    ]


def _in_steps(subject: Subject, variant: str) -> Iterator[Death]:
    nested = not subject.is_shared(variant)
    for during, sagas in ((CREATE, subject.creating(variant)), (DESTROY, subject.destroying(variant))):
        for each, inner in steps_of(*sagas, nested=nested):
            for when in ("before", "after"):
                yield Death(variant, during, f"{when}:{each.name}=kill", not inner)
        for saga in sagas:
            yield Death(variant, during, f"journal:{saga.step_names[-1]}=kill")


def _in_undos(subject: Subject, variant: str) -> Iterator[Death]:
    """What fails is the last step of its saga, so that everything of it is undone."""
    for saga in subject.creating(variant):
        started = () if subject.is_shared(variant) else tuple(inner for each in saga.steps for inner in each.runs)
        for one in (saga, *started):
            for each in one.steps:
                if each.undo_function is not None:
                    fault = f"after:{one.step_names[-1]}=raise,undo:{each.name}=kill"
                    yield Death(variant, UNDO, fault, one is saga)


def failures(subject: Subject) -> list[Failing]:
    """The steps that are to fail in turn."""
    return [failing for variant in subject.variants for failing in _failures(subject, variant)]


def _failures(subject: Subject, variant: str) -> Iterator[Failing]:
    nested = not subject.is_shared(variant)
    kinds = (CREATE, BIND)
    for during, saga in zip(kinds, subject.creating(variant), strict=False):
        for each, _inner in steps_of(saga, nested=nested):
            yield Failing(variant, during, each.name, saga.step_names[0])
    for saga in subject.destroying(variant):
        for each, _inner in steps_of(saga, nested=nested):
            yield Failing(variant, DESTROY, each.name, saga.step_names[0])
