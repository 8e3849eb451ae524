"""Forges logins from an app's own variables and from what is no secret of another app's. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import attrs

UNNAMED: Final = ("root", "admin", "administrator", "postgres", "default", "anonymous", "guest", "")
"""Logins that servers come with, and that no app is given. Some clients take their own user's name for none."""

_LONG: Final = 16
"""Characters of a secret that is worth changing a part of."""

Environ = Mapping[str, str]


@attrs.frozen
class Attempt:
    """Variables that must not lead to another app's data.

    Attributes:
        words: what they are, for the message.
        environ: the variables.
        writes: whether writing is tried as well.
    """

    words: str
    environ: Environ
    writes: bool = True


def attempts(mine: Environ, theirs: Environ, sensitive: Collection[str]) -> Iterator[Attempt]:
    """Yield every attempt to reach the data of `theirs`; an attempt has no secret of theirs.

    Args:
        mine: what the intruder was given.
        theirs: what the other app was given.
        sensitive: names of variables that are secret.
    """
    plain = [name for name in theirs if name not in sensitive and not password_in(theirs[name])]
    for names in dict.fromkeys([*((name,) for name in plain), tuple(sorted(plain))]):
        if names:
            swapped = {**mine, **{name: theirs[name] for name in names}}
            yield Attempt(f"the other's {', '.join(names)} and its own of the rest", swapped)
    yield from _with_other_secrets(mine, theirs, sensitive)
    yield from _with_unnamed_logins(theirs, sensitive)


def secrets_of(environ: Environ, sensitive: Collection[str]) -> dict[str, str]:
    """Return the secrets that variables hold, by the variable that shows each best; of a URL that is its password."""
    found: dict[str, str] = {}
    for name, value in environ.items():
        secret = password_in(value) or (value if name in sensitive and "://" not in value else "")
        if secret and secret not in found.values():
            found[name] = secret
    return found


def password_in(value: str) -> str:
    """Return the password in a URL, as it is meant; empty without one."""
    try:
        return unquote(urlsplit(value).password or "") if "://" in value else ""
    except ValueError:
        return ""


def _with_other_secrets(mine: Environ, theirs: Environ, sensitive: Collection[str]) -> Iterator[Attempt]:
    own = secrets_of(mine, sensitive)
    changes: dict[str, Callable[[str, str], str]] = {
        "its own password": lambda name, _: own.get(name, ""),
        "no password": lambda _name, _: "",
        "a password of which the first eight characters are right": lambda _, secret: secret[:8] + _other(secret[8:]),
        "a password whose end is wrong": lambda _, secret: secret[:-4] + _other(secret[-4:]),
        "a password whose capital letters are small": lambda _, secret: secret.swapcase(),
    }
    secrets = secrets_of(theirs, sensitive)
    if not secrets:
        return
    for words, change in changes.items():
        others = {secret: change(name, secret) for name, secret in secrets.items()}
        near = words.startswith("a ")
        if near and any(len(secret) < _LONG or other == secret for secret, other in others.items()):
            continue
        yield Attempt(f"the other's variables and {words}", forged(theirs, others))


def _with_unnamed_logins(theirs: Environ, sensitive: Collection[str]) -> Iterator[Attempt]:
    """Yield attempts with logins that no variable names, only where a variable names the user."""
    if not any(_names_user(name, value) for name, value in theirs.items()):
        return
    for user in UNNAMED:
        for password in dict.fromkeys(("", user)):
            others = dict.fromkeys(secrets_of(theirs, sensitive).values(), password)
            changed = {name: _with_user(name, value, user) for name, value in forged(theirs, others).items()}
            words = (
                f"the login {user or 'without a name'!r} and {'no password' if not password else 'that as password'}"
            )
            yield Attempt(words, changed, writes=False)


def forged(environ: Environ, others: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with other secrets, wherever they stand."""
    return {name: _forge(value, others) for name, value in environ.items()}


def _forge(value: str, others: Mapping[str, str]) -> str:
    password = password_in(value)
    if password in others:
        return _with_login(value, unquote(urlsplit(value).username or ""), others[password])
    for secret, other in others.items():
        value = value.replace(secret, other)
    return value


def _names_user(name: str, value: str) -> bool:
    try:
        in_url = "://" in value and bool(urlsplit(value).username)
    except ValueError:
        in_url = False
    return in_url or name.endswith(("USER", "USERNAME", "LOGIN"))


def _with_user(name: str, value: str, user: str) -> str:
    if not _names_user(name, value):
        return value
    return _with_login(value, user, password_in(value)) if "://" in value else user


def _with_login(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    who = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else f"{quote(user, safe='')}@"
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=(who if who != "@" else "") + place))


def _other(text: str) -> str:
    """Return a text of the same length that differs in every character."""
    return "".join("y" if each == "x" else "x" for each in text)
