"""The points at which a command is killed, generated from the sagas of an addon. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import cycle
from typing import Any, Final

import attrs

from addonkit.saga.saga import Saga
from addonkit.testing.conformance.addon_under_test import AddonUnderTest


class Operation(StrEnum):
    """The operation that is interrupted."""

    PROVISION = "provision"
    BIND = "bind"
    UNBIND = "unbind"
    DEPROVISION = "deprovision"


class Way(StrEnum):
    """The way in which it is interrupted."""

    COMMAND = "command"
    SERVER = "command and servers"
    TEN_TIMES = "ten times in a row"


class Then(StrEnum):
    """The user's next command."""

    CONTINUE = "continue"
    GIVE_UP = "give up"


_ENDINGS: Final = tuple((way, then) for way in Way for then in Then)


@attrs.frozen
class Cell:
    """One trial.

    Attributes:
        addon: name of the addon.
        variant: name of the variant.
        operation: what is interrupted.
        fault: for ADDONKIT_FAULT.
        resident: whether another app lives on the server all the while.
        way: how it is interrupted.
        then: what the user does next; nothing but to continue is possible once something is being removed.
    """

    addon: str
    variant: str
    operation: Operation
    fault: str
    resident: bool
    way: Way = Way.COMMAND
    then: Then = Then.CONTINUE

    def __str__(self) -> str:
        points = ", ".join(each.partition("=")[0] for each in self.fault.split(","))
        return f"{self.addon}:{self.variant} {self.operation} {points} ({self.way}, {self.then})"


def cells(under_test: AddonUnderTest, *, every_ending: bool = False) -> list[Cell]:
    """Return all points of all variants; ways to be killed and to go on take turns, or are all tried at each."""
    plain = [cell for variant in under_test.variants for cell in _of_variant(under_test, variant)]
    if every_ending:
        return [ending(under_test, cell, *each) for cell in plain for each in _ENDINGS]
    return [ending(under_test, cell, *each) for cell, each in zip(plain, cycle(_ENDINGS), strict=False)]


def ending(under_test: AddonUnderTest, cell: Cell, way: Way, then: Then) -> Cell:
    """Return a cell with a sensible ending: removal only completes, data without a disk die with the server."""
    removing = cell.operation in {Operation.UNBIND, Operation.DEPROVISION}
    if way is Way.SERVER and not under_test.is_persistent(cell.variant):
        way = Way.COMMAND
    return attrs.evolve(cell, way=way, then=Then.CONTINUE if removing else then)


def _of_variant(under_test: AddonUnderTest, variant: str) -> Iterator[Cell]:
    provision, *bind = under_test.creating(variant)
    *unbind, deprovision = under_test.destroying(variant)
    sagas = [(Operation.PROVISION, provision), *((Operation.BIND, each) for each in bind)]
    sagas += [*((Operation.UNBIND, each) for each in unbind), (Operation.DEPROVISION, deprovision)]
    shared = under_test.is_shared(variant)
    for operation, saga in sagas:
        for fault in _faults(saga):
            yield Cell(under_test.addon.name, variant, operation, fault, resident=shared)
        # The sagas that steps start are those of servers: on a shared one only the first and the last come there.
        for each in saga.steps:
            for inner in each.runs:
                for fault in _faults(inner):
                    yield Cell(under_test.addon.name, variant, operation, fault, resident=False)


def _faults(saga: Saga[Any] | Any) -> Iterator[str]:
    for name in saga.step_names:
        for point in ("before", "after", "journal"):
            yield f"{point}:{name}=kill"
    for each in saga.steps:
        if each.undo_function is not None:
            yield f"after:{saga.step_names[-1]}=raise,undo:{each.name}=kill"
