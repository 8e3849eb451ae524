"""Rules of the access control list. Pure.

Categories and commands as in the manual page `ACL`; what is said here holds for Valkey 7.2 and newer and for
Redis 7.0 and newer.
"""

from __future__ import annotations

import hashlib
from typing import Final

from addonkit import Secret

ADMINISTRATOR: Final = "addonkit"
"""The user who makes and removes the others."""

_TENANT_COMMANDS: Final = (
    "+@all",
    "-@admin",
    "-@dangerous",
    # These take no key, so that no rule about keys stops them: they tell of other apps' keys ...
    "-scan",
    "-randomkey",
    "-dbsize",
    # (tracking reports every key that anybody writes)
    "-client|tracking",
    # ... and channels, ...
    "-pubsub",
    # ... or change what all apps share.
    "-function",
    "-fcall",
    "-fcall_ro",
    # Debugging one stops the server for all; ending one that does so already helps all.
    "-script",
    "+script|load",
    "+script|exists",
    "+script|kill",
    "-memory|doctor",
    "-memory|stats",
    "-memory|malloc-stats",
    "-memory|purge",
)


def digest(password: Secret) -> str:
    """A password as ACL rules take it without showing it: `#` and its SHA-256."""
    return f"#{hashlib.sha256(password.reveal().encode()).hexdigest()}"


def owner_rules(password: Secret) -> tuple[str, ...]:
    """Rules of the only app of a server: everything but administration."""
    return ("reset", "on", digest(password), "~*", "&*", "+@all", "-@admin")


def prefix_of(claim: str) -> str:
    """The prefix of a tenant's keys and channels. A claim has no `:`, so that no prefix begins another."""
    return f"{claim}:"


def tenant_rules(password: Secret, prefix: str) -> tuple[str, ...]:
    """Rules of one app of several: its own keys and channels, and no command that reaches further."""
    return ("reset", "on", digest(password), f"~{prefix}*", f"&{prefix}*", *_TENANT_COMMANDS)


def initial_file(administrator: Secret) -> str:
    """The ACL file of a new server: nobody but the administrator."""
    rules = " ".join(("on", digest(administrator), "~*", "&*", "+@all"))
    return f"user default off nopass resetkeys resetchannels -@all\nuser {ADMINISTRATOR} {rules}\n"
