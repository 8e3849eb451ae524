"""Logins from the Docker configuration file, as `docker login` and `skopeo login` write it.

The format is that of `~/.docker/config.json`: `auths` maps a registry to `auth` (base64 of `user:password`), or to
`username` and `password`, and perhaps an `identitytoken`; `credHelpers` maps a registry, and `credsStore` all others,
to a credential helper, which is asked first.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from addonkit.errors import InvalidInput
from addonkit.images.credential_helpers import TOKEN_USER, ask_helper
from addonkit.images.endpoints import canonical_registry
from addonkit.models.secret import Secret

_ADVICE: Final = "fix the file, or log in again with 'docker login'"
# What may follow the host in a key: registries were once named by the URL of their API.
_API_PATHS: Final = frozenset({"", "v1", "v2"})


@attrs.frozen
class Login:
    """A login at a registry.

    Attributes:
        username: empty when there is only an identity token.
        password: empty when there is only an identity token.
        identity_token: a refresh token, exchanged at the token server; empty without one.
    """

    username: str = ""
    password: Secret = attrs.field(factory=lambda: Secret(""))
    identity_token: Secret = attrs.field(factory=lambda: Secret(""))


def config_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return `config.json` in `$DOCKER_CONFIG`, else in `~/.docker`."""
    folder = (os.environ if environ is None else environ).get("DOCKER_CONFIG")
    return Path(folder or "~/.docker").expanduser() / "config.json"


def find_login(registry: str, path: Path) -> Login | None:
    """Return the login that the file has for a registry (`host[:port]`); None when it has none or there is no file.

    Blocking: may ask a credential helper.

    Raises:
        InvalidInput: when the file cannot be read, or what it says of this registry is not understood.
    """
    config = _read(path)
    wanted = canonical_registry(registry)
    kept = _ask_helper(config, wanted)
    if kept is not None:
        return kept
    found = [entry for key, entry in _table(config, "auths").items() if _registry_of(key) == wanted]
    logins = (_login(entry, registry, path) for entry in found)
    return next((login for login in logins if login is not None), None)


def _ask_helper(config: Mapping[str, Any], registry: str) -> Login | None:
    own = (name for key, name in _table(config, "credHelpers").items() if _registry_of(key) == registry)
    name = next(own, config.get("credsStore"))
    answer = ask_helper(name, registry) if isinstance(name, str) else None
    if answer is None or not all(map(_is_text, answer)):
        return None
    user, secret = answer
    if user == TOKEN_USER:
        return Login(identity_token=Secret(secret))
    return Login(user, Secret(secret))


def _read(path: Path) -> Mapping[str, Any]:
    attempted = f"cannot read Docker's configuration file {str(path)!r}"
    try:
        config = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InvalidInput(attempted, error.strerror or "it cannot be opened", _ADVICE) from None
    except (ValueError, RecursionError):  # the error itself shows a part of the file
        raise InvalidInput(attempted, "it is not JSON", _ADVICE) from None
    if not isinstance(config, dict):
        raise InvalidInput(attempted, "it is not a JSON object", _ADVICE)
    return config


def _table(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = config.get(name)
    return table if isinstance(table, dict) else {}


def _registry_of(key: str) -> str | None:
    """Return the registry that a key of the file names; None when it names only a part of one."""
    host, _, path = key.removeprefix("https://").removeprefix("http://").partition("/")
    return canonical_registry(host) if host and path.strip("/") in _API_PATHS else None


def _login(entry: object, registry: str, path: Path) -> Login | None:
    if not isinstance(entry, dict) or not all(_is_text(entry.get(key, "")) for key in _FIELDS):
        raise _broken(registry, path)
    username, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth"):
        username, password = _decode(entry["auth"], registry, path)
    token = entry.get("identitytoken", "")
    if not token and not (username and password):
        return None  # what stays in the file after a credential helper took the login over
    return Login(username, Secret(password), Secret(token))


_FIELDS: Final = ("auth", "username", "password", "identitytoken")


def _is_text(value: object) -> bool:
    """Return whether it can be sent. JSON can also hold half a character; an error about that repeats the secret."""
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _decode(auth: str, registry: str, path: Path) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth, validate=True).decode()
    except (binascii.Error, ValueError):
        raise _broken(registry, path) from None
    username, colon, password = text.partition(":")
    if not colon:
        raise _broken(registry, path)
    return username, password.strip("\0")


def _broken(registry: str, path: Path) -> InvalidInput:
    attempted = f"cannot read Docker's configuration file {str(path)!r}"
    return InvalidInput(attempted, f"its login for {registry} is not understood", _ADVICE)
