"""Refuses what IAM refuses and moto does not: to remove a user before its keys."""

from __future__ import annotations

from urllib.parse import parse_qsl

from addonkit_s3_remote.local.backends import has_keys
from addonkit_s3_remote.local.requests import Incoming, Refusal


def check(request: Incoming) -> None:
    """Refuse the removal of a user that has a key."""
    told = dict(parse_qsl(request.body().decode()))
    if told.get("Action") == "DeleteUser" and has_keys(told.get("UserName", "")):
        raise Refusal("DeleteConflict", "Cannot delete entity, must delete access keys first.", "409 Conflict")
