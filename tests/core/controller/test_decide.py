"""Decisions are a table: what is stored, and the one thing to do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import attrs
import pytest

from addonkit.controller.decide import LONGEST_RETRY, RETRIES, Action, Decision, decide, retry_time
from addonkit.models.instance import Association, Instance, Phase

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INSTANCE = Instance("i1", "shop-postgresql", "postgresql", "shop", "small")
TIE = Association("a1", "shop", "i1", "postgresql")


def an_instance(phase: Phase, **fields: object) -> Instance:
    return attrs.evolve(INSTANCE, phase=phase, **fields)


def a_tie(phase: Phase, **fields: object) -> Association:
    return attrs.evolve(TIE, phase=phase, **fields)


@pytest.mark.parametrize(
    ("instance", "ties", "expected"),
    [
        pytest.param(an_instance(Phase.PENDING), [a_tie(Phase.PENDING)], Action.PROVISION, id="new"),
        pytest.param(an_instance(Phase.PROVISIONING), [a_tie(Phase.PENDING)], Action.PROVISION, id="interrupted"),
        pytest.param(an_instance(Phase.ACTIVE), [a_tie(Phase.PENDING)], Action.BIND, id="provisioned"),
        pytest.param(an_instance(Phase.ACTIVE), [a_tie(Phase.ACTIVE)], Action.NOTHING, id="reconciled"),
        pytest.param(an_instance(Phase.ACTIVE), [], Action.NOTHING, id="attached to no app"),
        pytest.param(an_instance(Phase.ACTIVE), [a_tie(Phase.ERROR, message="x")], Action.NOTHING, id="bind failed"),
        pytest.param(an_instance(Phase.ACTIVE), [a_tie(Phase.DEPROVISIONING)], Action.UNBIND, id="detached"),
        pytest.param(
            an_instance(Phase.DEPROVISIONING),
            [a_tie(Phase.DEPROVISIONING)],
            Action.UNBIND,
            id="variables go before data",
        ),
        pytest.param(an_instance(Phase.DEPROVISIONING), [], Action.DEPROVISION, id="destroyed"),
        pytest.param(
            an_instance(Phase.DEPROVISIONING),
            [a_tie(Phase.DEPROVISIONING, message="refused")],
            Action.WAIT,
            id="data stays while credentials cannot be revoked",
        ),
        pytest.param(
            an_instance(Phase.DEPROVISIONING, message="failed"), [], Action.WAIT, id="destroying failed for good"
        ),
        pytest.param(
            an_instance(Phase.DEPROVISIONING, message="failed", retry_at=NOW), [], Action.DEPROVISION, id="due again"
        ),
        pytest.param(an_instance(Phase.ERROR, message="failed"), [], Action.WAIT, id="error waits for its user"),
        pytest.param(
            an_instance(Phase.ERROR, message="failed", retry_at=NOW + timedelta(seconds=1)),
            [],
            Action.WAIT,
            id="not yet",
        ),
        pytest.param(an_instance(Phase.ERROR, message="failed", retry_at=NOW), [], Action.PROVISION, id="now"),
    ],
)
def test_one_thing_follows_from_what_is_stored(instance: Instance, ties: list[Association], expected: Action) -> None:
    assert decide(instance, ties, NOW).action is expected


def test_a_wait_says_when_it_ends() -> None:
    due = NOW + timedelta(seconds=9)

    assert decide(an_instance(Phase.ERROR, message="x", retry_at=due), [], NOW) == Decision(Action.WAIT, until=due)


def test_bind_and_unbind_name_whom_they_concern() -> None:
    arriving = a_tie(Phase.PENDING)
    leaving = attrs.evolve(TIE, id="a2", phase=Phase.DEPROVISIONING)

    assert decide(an_instance(Phase.ACTIVE), [arriving, leaving], NOW).association == leaving
    assert decide(an_instance(Phase.ACTIVE), [arriving], NOW).association == arriving


def test_retries_come_later_each_time_and_end() -> None:
    times = [retry_time(n, NOW) for n in range(1, RETRIES + 2)]

    assert times[0] == NOW + timedelta(seconds=5)
    assert times[-2] == NOW + LONGEST_RETRY
    assert times[-1] is None
    assert all(a <= b for a, b in pairwise(times[:-1]))
