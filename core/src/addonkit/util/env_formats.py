"""Environments written for other programs to read: dotenv, shell, docker and JSON. Pure functions.

A value is written in a way that every common reader takes back unchanged, or it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from addonkit.errors import UnwritableValue


def to_dotenv(values: Mapping[str, str]) -> str:
    """`KEY='value'` lines that sh, Node.js, npm dotenv and python-dotenv read alike.

    Single quotes hold everything but four things. python-dotenv reads escapes after a backslash, and expands `${`.
    Readers change line ends, a carriage return too. A `'` ends the text. A value with `'` goes in double quotes: they
    hold everything but `$`, a backslash, `"`, a backtick and line ends.

    Raises:
        UnwritableValue: for a value that fits neither, naming its key.
    """
    return _lines(values, _dotenv_value)


def to_shell(values: Mapping[str, str], unset: Sequence[str] = ()) -> str:
    """`unset KEY` and `export KEY='value'` lines for a POSIX shell, to be read by `.` or `eval`.

    Args:
        values: what is exported.
        unset: names that the shell may have and must lose; a trailing `*` stands for any ending.

    Raises:
        UnwritableValue: for a value with a NUL or with bytes that are no text.
    """
    exports = [f"export {line}" for line in _each_line(values, _shell_value)]
    return "".join((*(_shell_unset(name) for name in unset if name not in values), *exports))


def to_docker(values: Mapping[str, str]) -> str:
    """`KEY=value` lines without quotes, as `docker run --env-file` and `podman run --env-file` read them.

    Raises:
        UnwritableValue: for a value with a line end, or one longer than a line that Docker reads.
    """
    return _lines(values, _docker_value)


def to_json(values: Mapping[str, str]) -> str:
    """One JSON object, keys to values."""
    return json.dumps(dict(values), indent=2) + "\n"


FORMATS: Final = ("dotenv", "shell", "json", "docker")
"""Names of the formats that `render` knows."""

_DOCKER_LINE: Final = 64 * 1024 - 1
"""Bytes of the longest line that Docker reads of an environment file."""


def render(env_format: str, values: Mapping[str, str], unset: Sequence[str] = ()) -> str:
    """Write variables in one of FORMATS; only `shell` can say what is to be `unset`.

    Raises:
        UnwritableValue: the format cannot hold a value.
    """
    match env_format:
        case "dotenv":
            return to_dotenv(values)
        case "shell":
            return to_shell(values, unset)
        case "docker":
            return to_docker(values)
        case _:
            return to_json(values)


def _shell_unset(name: str) -> str:
    if not name.endswith("*"):
        return f"unset {name}\n"
    names = f"$(env | sed -n 's/^\\({name[:-1]}[A-Za-z0-9_]*\\)=.*/\\1/p')"
    return f'for _addonkit_name in {names}; do unset "$_addonkit_name"; done\n'


def _lines(values: Mapping[str, str], quote: Callable[[str, str], str]) -> str:
    return "".join(_each_line(values, quote))


def _each_line(values: Mapping[str, str], quote: Callable[[str, str], str]) -> list[str]:
    return [f"{key}={quote(key, value)}\n" for key, value in values.items()]


def _dotenv_value(key: str, value: str) -> str:
    _check_text(key, value, "dotenv")
    advice = "use --format shell or --format json"
    if "\\" in value:
        raise _refused(key, "dotenv", "it has a backslash, which readers take differently", advice)
    if "${" in value:
        raise _refused(key, "dotenv", "it has ${, which some readers expand", advice)
    if "\r" in value:
        raise _refused(key, "dotenv", "it has a carriage return, which readers drop", advice)
    if "'" not in value:
        return f"'{value}'"
    if any(character in value for character in '$"`\n'):
        raise _refused(key, "dotenv", "it has ' together with one of $ \" ` or a line end", advice)
    return f'"{value}"'


def _shell_value(key: str, value: str) -> str:
    _check_text(key, value, "shell")
    return "'" + value.replace("'", "'\\''") + "'"


def _docker_value(key: str, value: str) -> str:
    _check_text(key, value, "docker")
    advice = "use --format json"
    if "\n" in value or "\r" in value:
        raise _refused(key, "docker", "it has several lines, and this format ends a value with the line", advice)
    if len(f"{key}={value}".encode()) > _DOCKER_LINE:
        raise _refused(key, "docker", f"it is longer than the {_DOCKER_LINE} bytes that Docker reads", advice)
    return value


def _check_text(key: str, value: str, env_format: str) -> None:
    if "\0" in value:
        raise _refused(key, env_format, "it has a NUL, which no environment can hold", "")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refused(key, env_format, "it has bytes that are no text", "use --format json") from None


def _refused(key: str, env_format: str, found: str, advice: str) -> UnwritableValue:
    return UnwritableValue(f"cannot write {key} as {env_format}", found, advice, key=key)
