"""Decides what to do next for an instance: pure functions of what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from addonkit.models.instance import Association, Instance, Phase
from addonkit.util.values import frozen

FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(minutes=5)
RETRIES: Final = 8
"""Failures in a row after which an instance waits for its user."""


class Action(StrEnum):
    """One thing to do."""

    NOTHING = "nothing"
    WAIT = "wait"
    PROVISION = "provision"
    DEPROVISION = "deprovision"
    BIND = "bind"
    UNBIND = "unbind"
    CONFIGURE = "configure"
    ROTATE = "rotate"
    REVOKE = "revoke"


@frozen
class Decision:
    """The next thing to do.

    Attributes:
        action: see Action.
        association: whom it concerns, unless it concerns the instance.
        generation: of the credentials that a REVOKE concerns.
        until: when a WAIT ends by itself.
    """

    action: Action
    association: Association | None = None
    until: datetime | None = None
    generation: int = 0


def decide(instance: Instance, associations: Sequence[Association], now: datetime) -> Decision:
    """Compare what is wanted with what is; the answer is one step towards it.

    Variables go before data: an instance is deprovisioned when none of its associations is left. An
    association whose unbinding failed carries a message and waits for its user.
    """
    leaving = [a for a in associations if a.phase is Phase.DEPROVISIONING]
    for association in leaving:
        if not association.message:
            return Decision(Action.UNBIND, association)
    match instance.phase:
        case Phase.PENDING | Phase.PROVISIONING:
            return Decision(Action.PROVISION)
        case Phase.DEPROVISIONING:
            return Decision(Action.WAIT) if leaving else _when_due(instance, Action.DEPROVISION, now)
        case Phase.ERROR:
            return _when_due(instance, Action.PROVISION, now)
        case Phase.ACTIVE:
            arriving = next((a for a in associations if a.phase is Phase.PENDING), None)
            if arriving is not None:
                return Decision(Action.BIND, arriving)
            return Decision(Action.CONFIGURE) if instance.is_changing else _rotation(associations)


def _rotation(associations: Sequence[Association]) -> Decision:
    """Return new credentials first, so that an app always has some; then former ones that are to go."""
    active = [a for a in associations if a.phase is Phase.ACTIVE]
    for association in active:
        if association.rotation is not None:
            return Decision(Action.ROTATE, association)
    for association in active:
        for former in association.formers:
            if former.revoke and not former.message:
                return Decision(Action.REVOKE, association, generation=former.generation)
    return Decision(Action.NOTHING)


def retry_time(failures: int, now: datetime) -> datetime | None:
    """Return when a transient failure is tried again by itself: later each time; None after too many."""
    if failures > RETRIES:
        return None
    delay: timedelta = min(FIRST_RETRY * 2.0 ** (failures - 1), LONGEST_RETRY)
    return now + delay


def _when_due(instance: Instance, action: Action, now: datetime) -> Decision:
    """Return an instance without a message has not failed; one that failed waits for its time or its user."""
    if not instance.message or (instance.retry_at is not None and instance.retry_at <= now):
        return Decision(action)
    return Decision(Action.WAIT, until=instance.retry_at)
