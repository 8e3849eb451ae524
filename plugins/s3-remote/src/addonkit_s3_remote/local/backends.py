"""The objects in which moto keeps buckets and users. The only file that knows how they are called."""

from __future__ import annotations

import json
from typing import Any, Final

import attrs

_ACCOUNT: Final = "123456789012"
OPERATOR: Final = "operator"
_MAY_EVERYTHING: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


@attrs.frozen
class Login:
    """A key of a user that exists, with its secret."""

    id: str
    secret: str = attrs.field(repr=False)


def backends() -> dict[str, Any]:
    """Return the two by name."""
    from moto.backends import get_backend

    return {name: get_backend(name)[_ACCOUNT]["aws"] for name in ("s3", "iam")}


def operator() -> Login:
    """Return the key of the user that may do everything; it is made where it is not there."""
    iam = backends()["iam"]
    if OPERATOR not in {user.name for user in iam.list_users("/", None, None)}:
        iam.create_user("us-east-1", OPERATOR)
        iam.put_user_policy(OPERATOR, "everything", json.dumps(_MAY_EVERYTHING))
        iam.create_access_key(OPERATOR)
    key = iam.list_access_keys(OPERATOR)[0]
    return Login(key.access_key_id, key.secret_access_key)


def has_keys(user: str) -> bool:
    """Return whether a user exists and has a key."""
    found = backends()["iam"].users.get(user)
    return bool(found and found.access_keys)


def login(key: str) -> Login | None:
    """Return a key that exists, None otherwise."""
    found = _access_key(key)
    if found is None:
        return None
    credentials = found.create_credentials()
    return Login(credentials.access_key, credentials.secret_key)


def statements(key: str) -> list[dict[str, Any]]:
    """Return the statements of all policies of a key's user."""
    from moto.iam.access_control import IAMPolicy

    found = _access_key(key)
    policies = found.collect_policies() if found else ()
    documents = [IAMPolicy(policy)._policy_json["Statement"] for policy in policies]  # noqa: SLF001 - no other way
    return [each for document in documents for each in (document if isinstance(document, list) else [document])]


def concerns(statement: dict[str, Any], action: str, resource: str) -> bool:
    """Return whether a statement allows an action on a resource; its condition is not looked at."""
    from moto.iam.access_control import IAMPolicyStatement, PermissionResult

    return bool(IAMPolicyStatement(statement).is_action_permitted(action, resource) == PermissionResult.PERMITTED)


def _access_key(key: str) -> Any:
    from moto.iam.access_control import CreateAccessKeyFailure, create_access_key

    try:
        return create_access_key(account_id=_ACCOUNT, partition="aws", access_key_id=key, headers={})
    except CreateAccessKeyFailure:
        return None
