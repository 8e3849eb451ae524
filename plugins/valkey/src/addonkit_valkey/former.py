"""Users of shared servers that a former release made: they may do more than an app of several may do today.

Former releases made no logins of apps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from addonkit_valkey.acl import ADMINISTRATOR, LOGIN_SIGN, OPTIONAL, OWNER, TENANT_COMMANDS

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

_EVERYTHING: Final = "+@all"
"""Former releases allowed everything, and then forbade what they knew to reach further."""


def former_users(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the names of these users among the lines of a list of users. Pure."""
    found = []
    for line in lines:
        words = line.split()
        if (
            words[1] not in {ADMINISTRATOR, OWNER}
            and LOGIN_SIGN not in words[1]
            and _EVERYTHING in words
            and "~*" not in words
        ):
            found.append(words[1])
    return tuple(sorted(found))


def renew_script() -> str:
    """Return a line of shell that gives those users of `users.acl` the rights of today, before the server starts.

    Optional commands are left out: a server refuses a list with a command that it does not know.
    """
    rules = " ".join(rule for rule in TENANT_COMMANDS if not rule.startswith(OPTIONAL))
    others = f"/^user ({ADMINISTRATOR}|{OWNER}|[^ ]*[{LOGIN_SIGN}][^ ]*) /!"
    return (
        f"if grep -q ' [+]@all ' users.acl; then sed -E '{others}s/ [+]@all .*$/ -@all {rules}/' users.acl >users.new;"
        " mv users.new users.acl; fi"
    )


async def find_former(client: Valkey) -> tuple[str, ...]:
    """Return the names of those users of a server."""
    lines = await client.acl_list()
    return former_users(each if isinstance(each, str) else each.decode(errors="replace") for each in lines)
