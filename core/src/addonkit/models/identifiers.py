"""Names: what is allowed, and how a free name becomes a safe one. Pure functions."""

from __future__ import annotations

import re
import secrets
from typing import Final

from addonkit.errors import InvalidName

APP_NAME_MAX: Final = 200
"""Longest app name, in characters."""

INSTANCE_NAME_MAX: Final = APP_NAME_MAX + 41
"""Longest name of an instance, in characters."""

_SHOWN: Final = 40
_APP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ALIAS: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_ADDON: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_DROPPED: Final = re.compile(r"[^A-Za-z0-9_]")
_ID_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1: read aloud without doubt


def sanitize_identifier(name: str, max_length: int = 0) -> str:
    """Turn any text into a database identifier of `[a-z0-9_]` that does not start with a digit.

    ASCII letters become lower case, `-` becomes `_`, everything else is dropped; when nothing is left
    the answer is `app`; a leading digit gets an `a` in front. Cutting to `max_length` characters comes
    last; zero or less means no limit. Different names may meet in one identifier: who needs a unique
    one adds a suffix.
    """
    kept = _DROPPED.sub("", name.replace("-", "_")).lower() or "app"
    if kept[0].isdigit():
        kept = f"a{kept}"
    return kept[:max_length] if max_length > 0 else kept


def name_from_ref(ref: str) -> str:
    """Return the last part of an entity reference: `addon/postgresql` gives `postgresql`."""
    return ref.rpartition("/")[2]


def new_id() -> str:
    """Return a fresh entity id: ten characters of `[a-z2-9]`, 50 random bits, starting with a letter."""
    first = secrets.choice(_ID_ALPHABET[:24])
    return first + "".join(secrets.choice(_ID_ALPHABET) for _ in range(9))


def check_app_name(name: str) -> str:
    """Return the name itself when it is a legal app name: 1 to 200 of letters, digits, `.`, `_`, `-`.

    Raises:
        InvalidName: with what is wrong.
    """
    if len(name) > APP_NAME_MAX:
        raise InvalidName(
            f"cannot use app name {name[:20]!r}...",
            f"it has {len(name)} characters",
            f"use at most {APP_NAME_MAX}",
        )
    if not _APP.fullmatch(name):
        raise InvalidName(
            f"cannot use app name {name!r}",
            "it has characters outside letters, digits, '.', '_' and '-', or starts with a sign",
            "choose a name like 'my-shop'",
        )
    return name


def check_instance_name(name: str) -> str:
    """Return the name itself when an instance may have it: 1 to 241 of letters, digits, `.`, `_`, `-`.

    That is the length of an app's name, a sign, and an alias.

    Raises:
        InvalidName: with what is wrong.
    """
    if len(name) <= INSTANCE_NAME_MAX and _APP.fullmatch(name):
        return name
    raise InvalidName(
        f"cannot use instance name {name[:40]!r}{'...' if len(name) > _SHOWN else ''}",
        f"a name has letters, digits, '.', '_' and '-', starts with no sign, and has at most {INSTANCE_NAME_MAX}",
        "choose one like 'orders-db'",
    )


def check_alias(alias: str) -> str:
    """Return the alias itself when it is legal: `[a-z][a-z0-9_-]*`, at most 40 characters.

    Raises:
        InvalidName: with what is wrong.
    """
    if not _ALIAS.fullmatch(alias):
        raise InvalidName(
            f"cannot use {alias!r} as a name for an addon of an app",
            "a name is a small letter followed by small letters, digits, '_' or '-', at most 40",
            "choose one like 'analytics'",
        )
    return alias


def check_addon_name(name: str) -> str:
    """Return the addon name itself when it is legal: `[a-z][a-z0-9-]*`, at most 63 characters.

    Raises:
        InvalidName: with what is wrong.
    """
    if not _ADDON.fullmatch(name):
        raise InvalidName(
            f"cannot use {name!r} as the name of an addon",
            "a name is a small letter followed by small letters, digits or '-', at most 63",
        )
    return name


def variable_prefix(name: str) -> str:
    """Return the prefix by which a named set of variables moves: `analytics-db` gives `ANALYTICS_DB_`."""
    return sanitize_identifier(name).upper() + "_"
