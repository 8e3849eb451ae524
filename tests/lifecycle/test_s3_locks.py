"""Objects that are locked: they stay, it is said until when, and governance is bypassed where the operator says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

import addonkit
from addonkit_s3_remote.conformance import of_operator

FUTURE = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
SHOWN = f"{FUTURE:%Y-%m-%d %H:%M} UTC"


@pytest.fixture
def admin(operator: Mapping[str, str]) -> Any:
    """The operator's own client."""
    return of_operator(operator)


@pytest.fixture
async def bucket(s3kit: addonkit.Kit, admin: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket of an app, with object lock, as the operator may have switched it on."""

    async def make(_: object, name: str) -> None:
        admin.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)

    monkeypatch.setattr("addonkit_s3_remote.buckets.make", make)
    return (await s3kit.create("s3-remote", app="shop")).environ()["S3_BUCKET"]


def put(admin: Any, bucket: str, key: str, **lock: Any) -> None:
    named = {f"ObjectLock{name}": value for name, value in lock.items()}
    admin.put_object(Bucket=bucket, Key=key, Body=b"x", **named)


def left(admin: Any, bucket: str) -> list[str]:
    return [each["Key"] for each in admin.list_object_versions(Bucket=bucket).get("Versions", ())]


LOCKS: dict[str, tuple[dict[str, Any], str]] = {
    "governance": (
        {"Mode": "GOVERNANCE", "RetainUntilDate": FUTURE},
        (
            rf"1 locked object stays \(such as held\): retention in GOVERNANCE mode until {SHOWN}; .* if the administrator's "
            "key has s3:BypassGovernanceRetention, run `addonkit config set s3-remote bypass_governance=true` first; .*"
            "`addonkit destroy shop-s3-remote --forget`"
        ),
    ),
    "compliance": (
        {"Mode": "COMPLIANCE", "RetainUntilDate": FUTURE},
        rf"retention in COMPLIANCE mode until {SHOWN}; destroy again after that; ",
    ),
    "legal hold": ({"LegalHoldStatus": "ON"}, r"legal hold on 1; end the legal hold and destroy again"),
}


@pytest.mark.all_day("compliance")
@pytest.mark.parametrize("kind", LOCKS)
async def test_a_locked_object_stays_and_it_is_said_until_when(
    s3kit: addonkit.Kit, admin: Any, bucket: str, kind: str
) -> None:
    lock, line = LOCKS[kind]
    put(admin, bucket, "held", **lock)
    for key in ("a", "z"):
        put(admin, bucket, key)

    with pytest.raises(addonkit.InstanceFailed, match=line) as said:
        await s3kit.destroy("shop-s3-remote")

    assert "\n" not in str(said.value)
    assert left(admin, bucket) == ["held"], "all others are removed"


async def test_governance_is_bypassed_where_the_operator_says_so(s3kit: addonkit.Kit, admin: Any, bucket: str) -> None:
    put(admin, bucket, "held", Mode="GOVERNANCE", RetainUntilDate=FUTURE)
    with pytest.raises(addonkit.InstanceFailed, match="GOVERNANCE"):
        await s3kit.destroy("shop-s3-remote")

    await s3kit.set_config("s3-remote", {"bypass_governance": "true"})
    await s3kit.destroy("shop-s3-remote")

    assert await s3kit.instances() == ()
    assert bucket not in {each["Name"] for each in admin.list_buckets()["Buckets"]}
