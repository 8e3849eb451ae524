"""Rules of the access control list. Pure.

Categories and commands as in the manual page `ACL`; what is said here holds for Valkey 7.2 and newer and for
Redis 7.0 and newer. A rule that begins with `?` is left out where a server does not know its command.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Final

from addonkit import Secret

ADMINISTRATOR: Final = "addonkit"
"""The user that makes and removes the others."""

OWNER: Final = "default"
"""The user of the only app on a server: clients that send no user name are this one."""

ROLES: Final = {
    "owner": "reads and changes all keys of the instance",
    "read-only": "reads keys and receives messages",
}
"""What apps may do; the first is what they get unless they ask for another."""

READ_ONLY: Final = "read-only"

LOGIN_SIGN: Final = "."
"""Stands in the name of an app's login, and in that of no other user."""

READS_ONLY: Final = "%R~addonkit.reads-only"
"""A pattern of keys that marks a user that reads only: a freeze and a thaw leave it as it is."""

OPTIONAL: Final = "?"
"""Begins a rule about a command that came after version 7.0."""

TENANT_COMMANDS: Final = (
    # Only what is listed is allowed: a newer server may bring commands that take no key and reach further.
    # Each command of these categories takes keys, so that rules about keys apply.
    *("+@string", "+@hash", "+@list", "+@set", "+@sortedset", "+@stream", "+@bitmap", "+@hyperloglog", "+@geo"),
    *("+copy", "+del", "+dump", "+exists", "+expire", "+expireat", "+expiretime", "+memory|usage", "+move", "+object"),
    *("+persist", "+pexpire", "+pexpireat", "+pexpiretime", "+pttl", "+rename", "+renamenx", "+touch", "+ttl"),
    *("+type", "+unlink"),
    *("+publish", "+psubscribe", "+punsubscribe", "+subscribe", "+unsubscribe"),
    *("+spublish", "+ssubscribe", "+sunsubscribe"),
    *("+multi", "+exec", "+discard", "+watch", "+unwatch"),
    *("+auth", "+echo", "+hello", "+ping", "+quit", "+reset", "+select", "+time", "+wait", "?+waitaof"),
    *("+command", "+acl|whoami"),
    *("+client|getname", "+client|id", "+client|info", "+client|reply", "+client|setname"),
    *("?+client|capa", "?+client|no-touch", "?+client|setinfo"),
    "-@admin",
    "-@dangerous",
    # A script, or a function, that has written cannot be ended: only a kill of the server helps.
    "-@scripting",
)
"""What one app of several may do."""

_OWNER_COMMANDS: Final = (
    "+@all",
    "-@admin",
    # CONFIG SET is not there: `bind` and `port` would open the server to the network, or hide it from addonkit.
    *("+config|get", "+config|resetstat"),
    *("+client|list", "+client|kill", "+client|no-evict", "+client|pause", "+client|unblock", "+client|unpause"),
    *("+monitor", "+slowlog", "?+commandlog", "+latency", "+lastsave", "+role"),
)

_OWNER_SAVES: Final = ("+save", "+bgsave", "+bgrewriteaof")


_CHANGE_WITHOUT_KEYS: Final = (
    *("flushall", "flushdb", "swapdb"),
    *("function|load", "function|delete", "function|flush", "function|restore"),
)
"""Commands that change data and that rules about keys do not reach."""

_CHANGES: Final = ("-@write", "-publish", "-spublish")
"""What an app that reads only may not do, of what others may."""

_CHANGES_OF_SERVER: Final = (
    *("-config|resetstat", "-client|kill", "-client|pause", "-client|unblock"),
    *("-client|unpause", "-client|no-evict", "-save", "-bgsave", "-bgrewriteaof"),
)
"""What it may not do either where it has a server of its own."""


def digest(password: Secret) -> str:
    """Return a password as ACL rules take it without showing it: `#` and its SHA-256."""
    return f"#{hashlib.sha256(password.reveal().encode()).hexdigest()}"


def owner_rules(password: Secret, *, persistent: bool, reads_only: bool = False) -> tuple[str, ...]:
    """Return the rules of an app with its own server: all but administration, and no files without persistence."""
    saves = _OWNER_SAVES if persistent else tuple(rule.replace("+", "-", 1) for rule in _OWNER_SAVES)
    if reads_only:
        return (
            "reset",
            "on",
            digest(password),
            "%R~*",
            READS_ONLY,
            "&*",
            *_OWNER_COMMANDS,
            *_CHANGES,
            *_CHANGES_OF_SERVER,
        )
    return ("reset", "on", digest(password), "~*", "&*", *_OWNER_COMMANDS, *saves)


def prefix_of(claim: str) -> str:
    """Return the prefix of a tenant's keys and channels. A claim has no `:`, so that no prefix begins another."""
    return f"{claim}:"


def tenant_rules(password: Secret, prefix: str, *, reads_only: bool = False) -> tuple[str, ...]:
    """Return the rules of one app of several: its own keys and channels, and no command that reaches further."""
    if reads_only:
        return (
            "reset",
            "on",
            digest(password),
            f"%R~{prefix}*",
            READS_ONLY,
            f"&{prefix}*",
            *TENANT_COMMANDS,
            *_CHANGES,
        )
    return ("reset", "on", digest(password), f"~{prefix}*", f"&{prefix}*", *TENANT_COMMANDS)


def frozen_rules(prefix: str) -> tuple[str, ...]:
    """Return what takes from a user, in sessions that it has too, every way to change a key; empty for all keys."""
    return ("resetkeys", f"%R~{prefix}*", *(() if prefix else (f"-{command}" for command in _CHANGE_WITHOUT_KEYS)))


def thawed_rules(prefix: str) -> tuple[str, ...]:
    """Return what gives a user back what `frozen_rules` has taken."""
    return ("resetkeys", f"~{prefix}*", *(() if prefix else (f"+{command}" for command in _CHANGE_WITHOUT_KEYS)))


CLOSED: Final = ("reset", "off")
"""Rules of a user that nothing can log in as: it says that a tenant is there."""


def optional_commands(rules: Collection[str]) -> tuple[str, ...]:
    """Return the commands that a server must be asked for before these rules are used."""
    return tuple(_command(rule) for rule in rules if rule.startswith(OPTIONAL))


def rules_for(rules: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    """Return the rules that a server takes which knows these of the optional commands."""
    kept = (rule for rule in rules if not rule.startswith(OPTIONAL) or _command(rule) in known)
    return tuple(rule.removeprefix(OPTIONAL) for rule in kept)


def initial_file(administrator: Secret) -> str:
    """Return the ACL file of a new server: the administrator alone can log in."""
    return f"user {OWNER} off nopass resetkeys resetchannels -@all\n{administrator_line(administrator)}\n"


def administrator_line(password: Secret) -> str:
    """Return the line of an ACL file that lets the administrator in."""
    return " ".join(("user", ADMINISTRATOR, "on", digest(password), "~*", "&*", "+@all"))


def _command(rule: str) -> str:
    return rule.removeprefix(OPTIONAL).lstrip("+-")
