"""Judges policies of a key where moto does not look: conditions, sources of copies, objects of one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import unquote

from addonkit_s3_remote.local.backends import Login, concerns, statements
from addonkit_s3_remote.local.requests import Incoming, Refusal

_LISTINGS: Final = {"versions": "s3:ListBucketVersions", "uploads": "s3:ListBucketMultipartUploads"}
_NOT_LISTINGS: Final = frozenset(
    {
        "accelerate", "acl", "cors", "encryption", "intelligent-tiering", "inventory", "lifecycle", "location",
        "logging", "metrics", "notification", "object-lock", "ownershipControls", "policy", "policyStatus",
        "publicAccessBlock", "replication", "requestPayment", "tagging", "versioning", "website", "analytics",
    }
)  # fmt: skip

_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {"StringLike": fnmatchcase, "StringEquals": str.__eq__}


def check(request: Incoming, key: Login) -> None:
    """Refuse what moto would let pass; what it judges itself is not looked at."""
    bucket, name = request.place
    if request.method == "GET" and bucket and not name:
        _check_listing(request, key, bucket)
    source = request.headers.get("x-amz-copy-source", "")
    if source:
        place = unquote(source.partition("?")[0]).lstrip("/")
        if not may(key, "s3:GetObject", place):
            raise _denied()


def may(key: Login, action: str, place: str, values: Mapping[str, str] | None = None) -> bool:
    """Return whether a statement allows an action on `bucket` or `bucket/key`, its condition included."""
    resource = f"arn:aws:s3:::{place}"
    return any(concerns(each, action, resource) and _holds(each, values or {}) for each in statements(key.id))


def _check_listing(request: Incoming, key: Login, bucket: str) -> None:
    told = request.arguments
    if _NOT_LISTINGS.intersection(told):
        return
    action = next((action for name, action in _LISTINGS.items() if name in told), "s3:ListBucket")
    if not may(key, action, bucket, {"s3:prefix": told.get("prefix", "")}):
        raise _denied()


def _holds(statement: dict[str, Any], values: Mapping[str, str]) -> bool:
    """Return whether all conditions of a statement hold; one that is not known does not."""
    for kind, wanted in statement.get("Condition", {}).items():
        test = _TESTS.get(kind)
        for name, patterns in wanted.items():
            listed = patterns if isinstance(patterns, list) else [patterns]
            if test is None or not any(test(values.get(name, ""), each) for each in listed):
                return False
    return True


def _denied() -> Refusal:
    return Refusal("AccessDenied", "Access Denied")
