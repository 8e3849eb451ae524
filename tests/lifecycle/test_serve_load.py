"""Many clients of the real service, which is killed in the middle: `make load` for a short time."""

from __future__ import annotations

from pathlib import Path

import pytest

from load_trials.trial import Trial, carry_out

SLICE = Trial(instances=60, clients=12, seconds=12.0, kills=3)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_nothing_is_lost_and_nothing_is_left(tmp_path: Path) -> None:
    outcome = await carry_out(SLICE, tmp_path)

    assert (outcome.lost, outcome.left, outcome.seen.wrong) == ((), (), [])
    assert outcome.seen.changes > SLICE.instances
    assert all(outcome.seen.reads.values()), "each read was answered"
