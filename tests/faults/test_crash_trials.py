"""A bounded slice of `make faults`: the real command is killed at points generated from the sagas, and at random."""

from __future__ import annotations

import pytest

from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.client import find_client
from addonkit.testing.conformance.rig import rigged, serving
from crash_trials.cells import Cell, Operation, Then, Way, cells
from crash_trials.crowd import crowd
from crash_trials.random_kills import random_kills
from crash_trials.trial import INTACT, NOTHING, PASSED, Trial

ADDONS = ("postgresql", "valkey", "s3-remote")
EVERY = 97
"""Each so manieth cell is in the slice."""


def slice_of_cells() -> list[Cell]:
    return [cell for addon in ADDONS for cell in cells(AddonUnderTest.find(addon), every_ending=True)[::EVERY]]


@pytest.mark.slow
@pytest.mark.parametrize("cell", slice_of_cells(), ids=str)
async def test_what_was_killed_is_active_with_its_data_or_leaves_nothing(cell: Cell) -> None:
    client = find_client(cell.addon)
    with serving(client) as settings, rigged(cell.addon, client, settings) as rig:
        assert await Trial(rig, cell).run() in {INTACT, NOTHING, PASSED}


@pytest.mark.slow
@pytest.mark.parametrize("addon", ADDONS)
def test_what_was_killed_at_random_is_completed(addon: str) -> None:
    assert random_kills(addon, count=4, seed=1) == 0


@pytest.mark.slow
def test_a_crowd_of_processes_leaves_nothing_wrong() -> None:
    assert crowd(processes=4, apps=8, operations=24, seed=1) == 0


def test_every_point_of_every_saga_has_a_cell() -> None:
    for addon in ADDONS:
        under_test = AddonUnderTest.find(addon)
        found = {(each.operation, each.fault) for each in cells(under_test)}
        for variant in under_test.variants:
            for operation, saga in (
                (Operation.PROVISION, under_test.creating(variant)[0]),
                (Operation.DEPROVISION, under_test.destroying(variant)[-1]),
            ):
                points = [
                    (operation, f"{when}:{name}=kill") for name in saga.step_names for when in ("before", "after")
                ]
                assert set(points) <= found


def test_each_ending_is_tried_and_removal_is_always_completed() -> None:
    every = cells(AddonUnderTest.find("valkey"), every_ending=True)

    assert {each.way for each in every} == set(Way)
    assert {each.then for each in every if each.operation is Operation.DEPROVISION} == {Then.CONTINUE}
