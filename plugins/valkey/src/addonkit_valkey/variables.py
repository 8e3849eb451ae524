"""The variables an app receives. Pure."""

from __future__ import annotations

from urllib.parse import quote

from addonkit import ConnectionInfo, Secret, Variable
from addonkit_valkey.acl import OWNER, prefix_of

KINDS = ("VALKEY", "REDIS")


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    """Return the variables under both kinds of names; the prefix too on a shared server."""
    return tuple(variable for kind in KINDS for variable in _of_kind(kind, access))


def _of_kind(kind: str, access: ConnectionInfo) -> tuple[Variable, ...]:
    user = access.user or (access.claim if access.shared else OWNER)
    common = (
        # With a name: `redis-cli -u` takes an empty one for a user whose name is empty.
        Variable(f"{kind}_URL", _socket_url(access, user) if access.socket else access.url("redis", user=user)),
        Variable(f"{kind}_HOST", access.socket or access.host),
        Variable(f"{kind}_PORT", str(access.port)),
        Variable(f"{kind}_USERNAME", user),
        Variable(f"{kind}_PASSWORD", access.password),
    )
    if not access.shared:
        return common
    return (*common, Variable(f"{kind}_PREFIX", prefix_of(access.claim)))


def _socket_url(access: ConnectionInfo, user: str) -> Secret:
    return Secret(f"unix://{quote(user, safe='')}:{quote(access.password.reveal(), safe='')}@{quote(access.socket)}")
