"""Forges logins from an app's own variables and from what is no secret of another app's. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import attrs

UNNAMED: Final = ("root", "admin", "administrator", "postgres", "default", "anonymous", "guest", "")
"""Logins that servers come with, and that no app is given. Some clients take their own user's name for none."""

_OWN: Final = "its own password"
_OWN_PART: Final = "its own secret"

_LONG: Final = 16
"""Characters of a secret that is worth changing a part of."""

_BETWEEN: Final = re.compile(r"([.:|@])")
"""What is between the parts of a key; secrets that addonkit generates have none of these."""

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
    plain = _plain(theirs, sensitive)
    for names in dict.fromkeys([*((name,) for name in plain), tuple(sorted(plain))]):
        if names:
            swapped = {**mine, **{name: theirs[name] for name in names}}
            yield Attempt(f"the other's {', '.join(names)} and its own of the rest", swapped)
    yield from _with_own_parts(mine, theirs, sensitive)
    yield from _with_other_secrets(mine, theirs, sensitive)
    yield from _with_own_login(mine, theirs, sensitive)
    yield from _with_unnamed_logins(theirs, sensitive)


def attempts_as_itself(mine: Environ, theirs: Environ, sensitive: Collection[str]) -> Iterator[Attempt]:
    """Yield the attempts to reach the data of `theirs` with secrets of `mine`; see `attempts`."""
    yield from _with_own_login(mine, theirs, sensitive)
    yield from (each for each in _with_other_secrets(mine, theirs, sensitive) if each.words.endswith(_OWN))
    yield from (each for each in _with_own_parts(mine, theirs, sensitive) if each.words.endswith(_OWN_PART))


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


def _with_own_login(mine: Environ, theirs: Environ, sensitive: Collection[str]) -> Iterator[Attempt]:
    """Yield attempts that sign in as themselves, and ask for the other's place."""
    own = {name: urlsplit(value) for name, value in mine.items() if password_in(value)}
    urls = {
        name: _with_login(theirs[name], unquote(url.username or ""), unquote(url.password or ""))
        for name, url in own.items()
        if password_in(theirs.get(name, "")) and theirs[name] != mine[name]
    }
    plain = _plain(theirs, sensitive)
    places = {name: theirs[name] for name in plain if not _names_user(name, theirs[name])}
    if urls or len(places) < len(plain):
        names = ", ".join((*urls, *places))
        yield Attempt(f"the other's {names} and its own login", {**mine, **urls, **places})


def _plain(theirs: Environ, sensitive: Collection[str]) -> list[str]:
    """Return the names of variables that are no secret."""
    return [name for name in theirs if name not in sensitive and not password_in(theirs[name])]


def _with_own_parts(mine: Environ, theirs: Environ, sensitive: Collection[str]) -> Iterator[Attempt]:
    """Of keys that name an account and have its secret, as `account.secret`: the other's account."""
    own = secrets_of(mine, sensitive)
    pieces = {
        secret: (_pieces(secret), _pieces(own.get(name, ""))) for name, secret in secrets_of(theirs, sensitive).items()
    }
    several = {secret: both for secret, both in pieces.items() if len(both[0]) == len(both[1]) > 1}
    changes: dict[str, Callable[[str, str], str]] = {
        _OWN_PART: lambda _, other: other,
        "a secret of which the first eight characters are right": lambda part, _: part[:8] + _other(part[8:]),
    }
    for words, change in changes.items() if several else ():
        others = {
            secret: "".join(
                change(part, other) if part == max(parts, key=len) else part
                for part, other in zip(parts, other_parts, strict=True)
            )
            for secret, (parts, other_parts) in several.items()
        }
        yield Attempt(f"the account in the other's key and {words}", forged(theirs, others))


def _pieces(secret: str) -> list[str]:
    """Return the parts of a key with what is between them; the whole where no part is long enough to be a secret."""
    found = _BETWEEN.split(secret)
    return found if len(max(found, key=len)) >= _LONG else [secret]


def _with_other_secrets(mine: Environ, theirs: Environ, sensitive: Collection[str]) -> Iterator[Attempt]:
    own = secrets_of(mine, sensitive)
    changes: dict[str, Callable[[str, str], str]] = {
        _OWN: lambda name, _: own.get(name, ""),
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
