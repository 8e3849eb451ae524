"""Object locks: what keeps an object from being removed, and until when.

Retention is GOVERNANCE, which who may can bypass, or COMPLIANCE, which ends by itself alone; a legal hold has no end
("S3 Object Lock" of the S3 guide).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit_s3_remote.faults import SET, Refused

if TYPE_CHECKING:
    from addonkit_s3_remote.listing import Found
    from addonkit_s3_remote.places import Place

_GOVERNANCE: Final = "GOVERNANCE"


@attrs.frozen
class Lock:
    """A lock that keeps an object.

    Attributes:
        mode: of its retention; empty without one.
        until: end of its retention.
        hold: whether there is a legal hold on it.
    """

    mode: str
    until: datetime | None
    hold: bool


async def find_lock(client: Any, place: Place, object: Found) -> Lock | None:
    """Return the lock of an object that was not removed; None when there is none, or it cannot be seen."""
    try:
        about = await client.head_object(Bucket=place.bucket, **object.named)
    except client.exceptions.ClientError:
        return None
    mode, until = about.get("ObjectLockMode", ""), about.get("ObjectLockRetainUntilDate")
    hold = about.get("ObjectLockLegalHoldStatus") == "ON"
    retained = bool(mode) and until is not None and until > datetime.now(UTC)
    return Lock(mode if retained else "", until if retained else None, hold) if retained or hold else None


def locked(place: Place, locks: Mapping[Found, Lock], *, bypassed: bool) -> Refused:
    """Return the error for objects that are locked: how, until when, and what can be done."""
    first = min(locks, key=lambda each: (each.key, each.version))
    what = f"{len(locks):,} locked objects stay" if len(locks) > 1 else "1 locked object stays"
    return Refused(
        f"removing the objects of {place}",
        f"{what} (such as {first.key}): {'; '.join(_reasons(locks))}",
        _advice(locks, bypassed=bypassed),
        code="ObjectLocked",
    )


def _reasons(locks: Mapping[Found, Lock]) -> list[str]:
    ends: dict[str, datetime] = {}
    for lock in locks.values():
        if lock.until:
            ends[lock.mode] = max(lock.until, ends.get(lock.mode, lock.until))
    reasons = [f"retention in {mode} mode until {end:%Y-%m-%d %H:%M} UTC" for mode, end in sorted(ends.items())]
    holds = sum(lock.hold for lock in locks.values())
    return [*reasons, f"legal hold on {holds:,}"] if holds else reasons


def _advice(locks: Mapping[Found, Lock], *, bypassed: bool) -> str:
    modes = {lock.mode for lock in locks.values()}
    if any(lock.hold for lock in locks.values()):
        return "end the legal hold and destroy again"
    if modes == {_GOVERNANCE} and not bypassed:
        return (
            "destroy again after that; if the administrator's key has s3:BypassGovernanceRetention, run "
            f"`{SET} bypass_governance=true` first"
        )
    if _GOVERNANCE in modes:
        return "give the administrator's key s3:BypassGovernanceRetention, or destroy again after that"
    return "destroy again after that"
