"""The variables an app receives. Pure."""

from __future__ import annotations

from urllib.parse import quote

from addonkit import Secret, Variable

KINDS = ("VALKEY", "REDIS")


def url(host: str, port: int, password: str, username: str = "") -> str:
    """A URL that clients of both kinds read; without a password it has no user information."""
    place = f"[{host}]" if ":" in host else host
    who = f"{quote(username, safe='')}:{quote(password, safe='')}@" if password else ""
    return f"redis://{who}{place}:{port}"


def variables(host: str, port: int, password: Secret, username: str = "", prefix: str = "") -> tuple[Variable, ...]:
    """The variables under both kinds of names; user name and prefix where there are any."""
    return tuple(variable for kind in KINDS for variable in _of_kind(kind, host, port, password, username, prefix))


def _of_kind(kind: str, host: str, port: int, password: Secret, username: str, prefix: str) -> tuple[Variable, ...]:
    common = (
        Variable(f"{kind}_URL", Secret(url(host, port, password.reveal(), username))),
        Variable(f"{kind}_HOST", host),
        Variable(f"{kind}_PORT", str(port)),
        Variable(f"{kind}_PASSWORD", password),
    )
    if not prefix:
        return common
    return (*common, Variable(f"{kind}_USERNAME", username), Variable(f"{kind}_PREFIX", prefix))
